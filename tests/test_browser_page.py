"""The page from end to end: a real browser, a real service, a learner's recording in the microphone."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
import soundfile

from browsers import NARROW, WIDE, Watched, chromium, contrast, note_playing, overflow, until
from elocute.assessor import Assessor
from elocute.export.reading import band
from elocute.phones import base, ipa, is_vowel
from elocute.result import Assessment
from fakes import speech, write_wav
from servers import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SAMPLE, TEXT = "007390019", "The wolfs were not quite as bad."
"""A learner says l for the n of "not"."""


SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "speechocean762" / "samples"
RECORDING = SAMPLES / f"{SAMPLE}.flac"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Its microphone plays the learner, or a hum where there is no learner's recording."""
    samples, rate = soundfile.read(RECORDING) if RECORDING.exists() else (speech(), 16_000)
    microphone = write_wav(tmp_path_factory.mktemp("microphone") / "learner.wav", samples, rate)
    with chromium(microphone) as browser:
        yield browser


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The whole service with the shipped models."""
    with running(acoustics={"shipped": Assessor}) as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
def quick() -> Iterator[str]:
    """A service with stand-ins for the models."""
    with running() as client:
        yield str(client.base_url)


def visit(browser: Browser, home: str, size: tuple[int, int] = WIDE, theme: Any = "light") -> Watched:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    context.set_default_timeout(60_000)
    watched = Watched(context, home)
    answer = watched.page.goto(home)
    assert answer is not None
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    watched.page.wait_for_selector("html[data-ready]")
    return watched


def give(page: Page, recording: Path, text: str = "Hello world.") -> None:
    """A recording from a file instead of the microphone; the result is there afterwards."""
    page.fill("#text", text)
    page.set_input_files("#file", recording)
    page.wait_for_selector("#outcome:not([hidden]) .total")


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "hello.wav", speech())


@pytest.mark.skipif(not RECORDING.exists(), reason="no learner's recording beside the repository")
def test_record_score_click_and_see_what_was_heard(browser: Browser, service: str) -> None:
    watched = visit(browser, service)
    page = watched.page
    page.fill("#text", TEXT)
    page.get_by_role("button", name="Record", exact=True).click()
    until(page, "Number(document.getElementById('level').getAttribute('aria-valuenow')) > 40")
    page.wait_for_timeout(4500)  # the learner reads
    until(page, "document.querySelectorAll('#reading .read').length >= 4")
    assert page.locator("#reading").inner_text() == TEXT
    with page.expect_response("**/v1/assess") as answer:
        page.get_by_role("button", name="Stop").click()
    page.wait_for_selector("#outcome:not([hidden]) .total")
    result = Assessment.from_dict(answer.value.json())
    assert result.scores.total is not None
    assert 30 <= result.scores.total <= 75
    assert page.locator("#text").is_visible()
    assert page.locator(".total strong").inner_text() == f"{math.floor(result.scores.total + 0.5)}"
    number, wrong, heard = exchanged(result)
    said = page.locator(f".said[data-word='{number}']")
    assert f"was heard as {heard}" in said.inner_text()
    assert f"{wrong}→{heard}" in re.sub(r"\s", "", said.inner_text())
    note_playing(page)
    said.click()
    until(page, f"window.played.includes({number})")
    assert f"heard {heard}" in page.locator(".detail .rows").inner_text()
    assert result.suggestions[0].title in page.locator(".advice").inner_text()
    assert page.locator(".pitch path.contour").count() == 1
    assert page.locator("#wave div").count() >= 1
    assert page.locator("#attempts tbody tr").count() == 1
    stored = json.loads(page.evaluate("localStorage.getItem('elocute-attempts')"))
    assert set(stored[0]) == {"text", "time", "total", "scores", "weak"}  # no sound
    assert watched.faults == []


def exchanged(result: Assessment) -> tuple[int, str, str]:
    """A word with an exchanged sound, the sound, and what was heard instead; this learner has some."""
    for number, word in enumerate(result.words):
        if word.verdict == "omitted":
            continue
        for place, phone in enumerate(word.phones):
            edit = next((e for e in word.edits if e.position == place and e.probability >= 0.5), None)
            if edit is not None and edit.kind == "substitution" and edit.heard:
                return number, phone.ipa, ipa(base(edit.heard))
            weak = phone.verdict == "mispronounced" or (phone.accuracy or 0.0) < 60
            best = base(phone.heard[0].phone if phone.heard else phone.phone)
            other = best != base(phone.phone) and is_vowel(best) == is_vowel(phone.phone)
            if edit is None and weak and other:
                return number, phone.ipa, ipa(best)
    raise AssertionError("no sound was exchanged")


def test_what_was_recorded_is_a_16_bit_wav(browser: Browser, quick: str) -> None:
    """The browser's own WAV file, byte by byte, as the service gets it."""
    watched = visit(browser, quick)
    page = watched.page
    page.evaluate(
        """() => {
          const { fetch } = window;
          window.fetch = (path, options) => {
            if (options?.body) options.body.get("audio").arrayBuffer()
              .then(data => { window.sent = btoa(String.fromCharCode(...new Uint8Array(data).slice(0, 44)));
                              window.size = data.byteLength; });
            return fetch(path, options);
          };
        }"""
    )
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Stop").click()
    until(page, "window.sent")
    header = base64.b64decode(page.evaluate("window.sent"))
    riff, size, wave, _, form, channels, rate, speed, frame, bits, data, length = struct.unpack(
        "<4sI8sIHHIIHH4sI", header
    )
    assert (riff, wave, data) == (b"RIFF", b"WAVEfmt ", b"data")
    assert (form, channels, bits, frame, speed) == (1, 1, 16, 2, 2 * rate)
    assert size + 8 == length + 44 == page.evaluate("window.size")
    assert 1.2 < length / speed < 4
    assert watched.faults == []


@pytest.mark.parametrize(("size", "theme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow"])
def test_it_fits_and_can_be_read(
    browser: Browser, quick: str, hello: Path, size: tuple[int, int], theme: str
) -> None:
    watched = visit(browser, quick, size, theme)
    page = watched.page
    assert overflow(page) == 0
    for part in (".record", ".hint", ".intro p", ".choose label", ".file label"):
        assert contrast(page, part) >= 4.5, part
    give(page, hello)
    assert overflow(page) == 0
    for part in (".outcome", ".progress .quiet", "td.number"):
        assert contrast(page, part) >= 4.5, part
    assert watched.faults == []


def test_a_file_can_be_dropped_and_a_voice_reads(browser: Browser, quick: str, hello: Path) -> None:
    watched = visit(browser, quick)
    page = watched.page
    assert page.locator("#listen").is_hidden()  # this browser has no voice; here comes one
    page.evaluate(
        """() => {
          window.said = [];
          speechSynthesis.getVoices = () => [{ lang: "en-US", localService: true }];
          window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
          speechSynthesis.speak = ({ text, lang }) => window.said.push([text, lang]);
          speechSynthesis.dispatchEvent(new Event("voiceschanged"));
        }"""
    )
    page.fill("#text", "Hello world.")
    page.click("#listen")
    page.evaluate(
        """text => {
          const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], "hello.wav"));
          const event = new DragEvent("drop", { dataTransfer, cancelable: true });
          document.getElementById("drop").dispatchEvent(event);
        }""",
        base64.b64encode(hello.read_bytes()).decode(),
    )
    page.wait_for_selector("#outcome:not([hidden]) .total")
    page.get_by_role("button", name="Model voice").click()
    assert page.evaluate("window.said") == [["Hello world.", "en-US"], ["hello", "en-US"]]
    assert watched.faults == []


def test_a_report_from_the_service_is_drawn_in_its_sandbox(browser: Browser, quick: str, hello: Path) -> None:
    """A page that asks for HTML and shows it, as an app would: scripts run, but without an origin."""
    answer = httpx.post(
        f"{quick}/v1/assess",
        files={"audio": hello.read_bytes()},
        data={"text": "Hello world.", "format": "html"},
    )
    watched = Watched(browser.new_context(), quick)
    page = watched.page
    page.route("**/report", lambda route: route.fulfill(body=answer.text, headers=dict(answer.headers)))
    page.goto(f"{quick}/report")
    page.wait_for_selector("html[data-drawn='with sound']")
    assert page.evaluate("origin") == "null"
    assert watched.faults == []


def test_progress_is_kept_and_forgotten(browser: Browser, quick: str, hello: Path) -> None:
    page = visit(browser, quick).page
    give(page, hello)
    page.click("#again")
    until(page, "document.querySelectorAll('#attempts tbody tr').length === 2")
    assert "Attempt 2" in page.locator("#change").inner_text()
    page.reload()
    page.wait_for_selector("html[data-ready]")
    page.fill("#text", "hello, WORLD")
    assert "2 attempts" in page.locator("#attempts").inner_text()
    assert page.locator(".curve circle").count() == 2
    page.fill("#text", "Another text.")
    assert page.locator("#progress").is_hidden()
    page.fill("#text", "Hello world.")
    page.click("#forget")
    assert page.locator("#progress").is_hidden()
    assert page.evaluate("localStorage.getItem('elocute-attempts')") == "[]"


def test_a_report_can_be_saved(browser: Browser, quick: str, hello: Path, tmp_path: Path) -> None:
    page = visit(browser, quick).page
    give(page, hello)
    with page.expect_download() as download:
        page.click("#save")
    path = tmp_path / "report.html"
    download.value.save_as(path)
    report = Watched(browser.new_context())
    report.page.goto(path.as_uri())
    report.page.wait_for_selector("html[data-drawn='with sound']")
    assert report.page.locator("h1").inner_text() == "Hello world."
    assert report.faults == []


def test_mistakes_are_explained_and_leave_the_page_usable(
    browser: Browser, quick: str, hello: Path, tmp_path: Path
) -> None:
    page = visit(browser, quick).page
    page.fill("#text", " ")
    page.click("#record")
    assert "sentence first" in page.locator("#problem").inner_text()
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"nothing to hear")
    page.fill("#text", "Hello world.")
    page.set_input_files("#file", broken)
    until(page, "document.getElementById('problem').textContent.includes('WAV, FLAC, OGG')")
    give(page, hello)
    assert page.locator("#problem").is_hidden()
    silent = write_wav(tmp_path / "silent.wav", 0 * speech())
    page.set_input_files("#file", silent)
    page.wait_for_selector(".notice >> text=No speech was found")
    assert page.locator("#attempts tbody tr").count() == 1  # what has no score is no attempt


def test_keyboard_and_screen_reader(browser: Browser, quick: str, hello: Path) -> None:
    page = visit(browser, quick).page
    seen = []
    for _ in range(5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert seen == ["skip", "sentence", "text", "record", "file"]
    names = page.evaluate(
        "[...document.querySelectorAll('select, textarea, input')].map(e => e.labels.length)"
    )
    assert all(names)
    assert page.locator("[role=status]").count() == page.locator("[role=alert]").count() == 1
    give(page, hello)
    assert page.evaluate("document.activeElement.id") == "outcome-title"
    label = page.locator("#outcome-title").get_attribute("aria-label") or ""
    assert "of 100" in label
    assert "Hello world." in label
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button')].filter(e => !(e.ariaLabel || e.textContent).trim()).length"
    )
    assert unnamed == 0


def test_a_key_is_asked_for_once(browser: Browser, hello: Path) -> None:
    from elocute.serve.settings import digest

    with running(key_digests=(digest("secret"),)) as client:
        page = visit(browser, str(client.base_url)).page
        page.fill("#text", "Hello world.")
        page.set_input_files("#file", hello)
        page.fill("#key-text", "secret")
        page.press("#key-text", "Enter")
        page.wait_for_selector("#outcome:not([hidden]) .total")
        assert page.evaluate("sessionStorage.getItem('elocute-key')") == "secret"
        assert page.evaluate("Object.keys(localStorage)") == ["elocute-attempts"]


def test_the_service_tells_what_names_mean(quick: str) -> None:
    names = httpx.get(f"{quick}/v1/catalogue").json()
    result = httpx.post(
        f"{quick}/v1/assess", files={"audio": ("a.wav", _wav_bytes(), "audio/wav")}, data={"text": "Hello."}
    ).json()
    assert Assessment.from_dict(result).features.keys() <= names["features"].keys()
    assert {p["phone"].rstrip("012") for w in result["words"] for p in w["phones"]} <= names["sounds"].keys()


def _wav_bytes() -> bytes:
    import io

    stream = io.BytesIO()
    soundfile.write(stream, speech(), 16_000, format="WAV", subtype="PCM_16")
    return stream.getvalue()


def test_the_modules_compute_what_they_say(browser: Browser, quick: str) -> None:
    """The renderer's numbers against numpy and against the Python side."""
    watched = visit(browser, quick)
    signal = np.random.default_rng(3).normal(size=64).astype(np.float32)
    tone = np.sin(2 * np.pi * 2000 * np.arange(8000) / 16_000).astype(np.float32)
    found = watched.page.evaluate(
        """async ([signal, tone, scores]) => {
          const { transform, levels } = await import("/report/spectrogram.js");
          const { peaks } = await import("/report/sound.js");
          const { band, compared, measured } = await import("/report/reading.js");
          const [re, im] = [Float32Array.from(signal), new Float32Array(signal.length)];
          transform(re, im);
          const column = [...levels(Float32Array.from(tone), 10).slice(5 * 256, 6 * 256)];
          return {
            re: [...re], im: [...im], row: column.indexOf(Math.max(...column)),
            peaks: [...peaks(Float32Array.from(signal), 4)], bands: scores.map(band),
            words: [compared(3, ["faster", "slower"]), compared(99.8), compared(45)],
            values: [measured(2.345, "syllables/s"), measured(3, "count"), measured(123.4, "s")],
          };
        }""",
        [signal.tolist(), tone.tolist(), SCORES],
    )
    expected = np.fft.fft(signal)
    np.testing.assert_allclose(found["re"], expected.real, atol=1e-4)
    np.testing.assert_allclose(found["im"], expected.imag, atol=1e-4)
    assert found["row"] == 2000 / 16_000 * 512
    quarters = signal.reshape(4, 16)
    np.testing.assert_allclose(found["peaks"][::2], np.minimum(quarters.min(1), 0))
    np.testing.assert_allclose(found["peaks"][1::2], np.maximum(quarters.max(1), 0))
    assert found["bands"] == [band(score) for score in SCORES]
    assert found["words"] == [
        "slower than 97 % of fluent readers", "higher than nearly all of fluent readers",
        "as most fluent readers",
    ]  # fmt: skip
    assert found["values"] == ["2.35 syllables/s", "3", "123 s"]


SCORES = [None, 0.0, 59.9, 60.0, 79.99, 80.0, 100.0]


def test_everything_is_local(quick: str) -> None:
    from elocute.serve.app import STATIC

    for path in STATIC.rglob("*"):
        if path.suffix in (".js", ".css", ".html", ".svg") and "vendor" not in path.parts:
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
            assert "http:" not in text, os.fspath(path)
            assert "https:" not in text, os.fspath(path)
            assert len(text.splitlines()) < 400
            assert httpx.get(f"{quick}/{path.relative_to(STATIC).as_posix()}").status_code == 200
