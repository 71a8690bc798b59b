"""The HTML report in a real browser: drawn, legible, playable, and of the right width."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from browsers import NARROW, WIDE, Watched, chromium, contrast, note_playing, overflow, until
from elocute.audio import Audio
from elocute.export import html
from elocute.result import FeatureValue, HeardPhone, Insertion, PhoneEdit, Pitch, Suggestion
from fakes import speech
from test_export import ASSESSMENT, BARE, ICE, THIN, hostile

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Browser, Page

EDITED = replace(
    THIN,
    edits=(PhoneEdit("deletion", 2, "N", None, 0.8), PhoneEdit("insertion", 3, None, "AH", 0.7)),
    confidence=0.3,
)
RESULT = replace(
    ASSESSMENT,
    words=(EDITED, ICE),
    insertions=(Insertion(0.1, 0.28, -1, "filler", ""),),
    suggestions=(
        Suggestion("sound", "θ in “thin” sounds like s", "Its score is 30 of 100.", 0, 0),
        Suggestion("pause", "No pause after “thin”", "You stopped for 0.50 s.", 0),
    ),
    pitch=Pitch(0.02, (*[None] * 15, *[120.0 + k for k in range(30)], *[None] * 55)),
    features={
        "speech_rate": FeatureValue(2.25, "syllables/s", 3.0, -1.5),
        "vowel_npvi": FeatureValue(44.0, "index", 50.0, 0.2),
        "f0_sd": FeatureValue(None, "semitones"),
    },
)
SOUND = Audio(speech(1.4, 0.3))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html.write(RESULT, SOUND), encoding="utf-8")
    return path.as_uri()


def opened(browser: Browser, url: str, size: tuple[int, int] = WIDE, theme: str = "light") -> Watched:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    watched = Watched(context)
    watched.page.goto(url)
    watched.page.wait_for_selector("html[data-drawn]")
    return watched


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_fits_and_can_be_read(browser: Browser, report: str, size: tuple[int, int], theme: str) -> None:
    watched = opened(browser, report, size, theme)
    page = watched.page
    assert page.evaluate("document.documentElement.dataset.drawn") == "with sound"
    assert overflow(page) == 0
    for part in (".masthead h1", ".total strong", ".advice p", ".said.weak .top .mark", ".said .phone.weak",
                 ".quiet", ".compared", ".lane .word.weak", ".between", ".legend .fair .mark"):  # fmt: skip
        assert contrast(page, part) >= 4.5, part
    assert watched.faults == []


def test_the_picture_shows_sound_and_follows_the_theme(browser: Browser, report: str) -> None:
    """A screenshot is light or dark; the spectrogram shows the hum, and silence after it."""
    for theme in ("light", "dark"):
        page = opened(browser, report, WIDE, theme).page
        assert (np.median(thumbnail(page, page.screenshot())) > 200) == (theme == "light")
        picture = thumbnail(page, page.locator(".spectrum").screenshot())
        silence, hum = picture[20:, 88:98], picture[20:, 30:70]
        assert np.std(hum) > 5 * np.std(silence)


def thumbnail(page: Page, png: bytes) -> NDArray[np.float64]:
    """A PNG as 100 x 100 grey values, decoded by the browser."""
    grey = page.evaluate(
        """async text => {
          const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
          const image = await createImageBitmap(new Blob([bytes]));
          const context = new OffscreenCanvas(100, 100).getContext("2d");
          context.drawImage(image, 0, 0, 100, 100);
          return [...context.getImageData(0, 0, 100, 100).data].filter((_, i) => i % 4 === 1);
        }""",
        base64.b64encode(png).decode(),
    )
    return np.array(grey, np.float64).reshape(100, 100)


def test_a_word_is_heard_and_explained(browser: Browser, report: str) -> None:
    watched = opened(browser, report)
    page = watched.page
    name = re.compile("^thin ?: 59 of 100, mispronounced; θ as in thin was heard as s")
    thin = page.get_by_role("button", name=name)
    note_playing(page)
    thin.click()
    assert thin.get_attribute("aria-pressed") == "true"
    until(page, "window.played.includes(0)")
    until(page, "!document.querySelector('.said.playing')")
    page.locator(".playhead").wait_for(state="hidden")
    detail = page.locator(".detail").inner_text()
    for said in ("thin", "59 of 100", "as in thin", "heard s 82 %, θ 10 %", "between the teeth",
                 "place in the recording is uncertain"):  # fmt: skip
        assert said in detail
    assert re.sub(r"\s", "", thin.locator(".sounds-of").inner_text()) == "θ→sɪn→∅+ʌ"
    name = thin.locator(".unseen").inner_text()
    assert "n as in no was not heard; ʌ as in cup was added" in name
    assert watched.faults == []


def test_marks_and_not_only_colours(browser: Browser, report: str) -> None:
    page = opened(browser, report).page
    lines = "e => getComputedStyle(e).textDecorationLine + ' ' + getComputedStyle(e).textDecorationStyle"
    assert page.locator(".said.mispronounced .top .mark").evaluate(lines) == "underline wavy"
    assert page.locator(".said.omitted .top .mark").evaluate(lines).startswith("line-through")
    text = page.locator("#result").inner_text()
    for said in ("needs work", "not heard", "‖ 0.30 s", "‖ 0.50 s", "filled pause", "slower than 97 %",
                 "as most fluent readers", "−1.5", "several times until it flows", "1 word was not read.",
                 "▶ Hear “thin”"):  # fmt: skip
        assert said in text
    assert page.locator(".pitch path.contour").get_attribute("d").startswith("M150")  # type: ignore[union-attr]


def test_it_works_with_the_keyboard_alone(browser: Browser, report: str) -> None:
    page = opened(browser, report).page
    page.locator(".said").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.word") == "1"
    page.keyboard.press("Enter")
    assert page.locator(".detail h3").inner_text() == "ice"
    assert page.locator(".lane button").evaluate_all("all => all.every(e => e.tabIndex === -1)")
    page.locator("details summary").first.press("Enter")
    assert page.locator("details[open] .features li").count() >= 1


def test_without_sound_and_without_scores(browser: Browser, tmp_path: Path) -> None:
    for number, assessment in enumerate((RESULT, BARE, hostile())):
        path = tmp_path / f"{number}.html"
        path.write_text(html.write(assessment), encoding="utf-8")
        watched = opened(browser, path.as_uri())
        assert watched.page.locator("canvas").count() == 0
        assert watched.faults == []
        assert watched.page.locator(".model").count() == 1


def test_two_minutes_are_drawn_in_time(browser: Browser, tmp_path: Path) -> None:
    """The longest recording: the page is there within seconds and its strip scrolls, not the page."""
    words = tuple(
        replace(THIN, start=0.4 * k + 0.05, end=0.4 * k + 0.35,
                phones=(replace(THIN.phones[0], start=0.4 * k + 0.05, end=0.4 * k + 0.35,
                                heard=(HeardPhone("S", 0.9),)),))
        for k in range(300)
    )  # fmt: skip
    sound = Audio(np.tile(speech(1.4, 0.3), 60))
    path = tmp_path / "long.html"
    path.write_text(
        html.write(replace(RESULT, duration=120.0, words=words, pauses=()), sound), encoding="utf-8"
    )
    watched = opened(browser, path.as_uri())
    page = watched.page
    assert overflow(page) == 0
    scroller = page.locator(".scroller")
    assert scroller.evaluate("e => e.scrollWidth / e.clientWidth") > 10
    page.locator(".said").last.click()
    page.wait_for_function("document.querySelector('.scroller').scrollLeft > 1000")
    assert watched.faults == []
