"""The HTML report as a file: complete, harmless, on its own. Its looks: test_browser_report."""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import soundfile

from elocute.audio import Audio
from elocute.export import html, write
from elocute.export.catalogue import KEY, catalogue
from elocute.features.handcrafted import REGISTRY
from elocute.phones import PHONES
from elocute.result import Suggestion
from fakes import speech
from test_export import ASSESSMENT, BARE, hostile

ADVICE = Suggestion("sound", "θ in “thin” sounds like s", "Its score is 30 of 100.", 0, 0)
ADVISED = replace(ASSESSMENT, suggestions=(ADVICE,))


class Page(HTMLParser):
    """Collects tags, attributes, text, and what scripts and styles hold; every element must be closed."""

    void = frozenset({"meta"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.held: dict[str, str] = {}
        self.policy = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        self.key = given.get("id") or tag
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            self.held[self.key] = self.held.get(self.key, "") + data
        else:
            self.text.append(data)


def test_it_carries_the_result_and_what_its_names_mean() -> None:
    page = Page(html.write(ADVISED))
    assert page.open == []
    assert json.loads(page.held["data"]) == ADVISED.to_dict()
    names = json.loads(page.held["catalogue"])
    assert set(names["features"]) == set(REGISTRY)
    assert set(names["sounds"]) == set(PHONES)
    assert all(entry["label"] and entry["formula"] for entry in names["features"].values())
    assert names == catalogue()
    keys = {entry["key"]: name for name, entry in names["features"].items() if entry["key"]}
    assert [keys[place] for place in sorted(keys)] == list(KEY)  # in this order, and all are features


def test_it_carries_the_recording_without_loss() -> None:
    samples = speech(0.5, 0.1)
    page = Page(write("html", ASSESSMENT, Audio(samples)))
    found, rate = soundfile.read(io.BytesIO(base64.b64decode(page.held["recording"])), dtype="float32")
    assert rate == 16_000
    assert np.abs(found - samples).max() <= 1 / 32768
    assert "recording" not in Page(write("html", ASSESSMENT)).held


def test_without_scripts_a_table_says_everything() -> None:
    page = html.write(ADVISED)
    table = "".join(Page(page[page.index("<noscript>") : page.index("</noscript>") + 11]).text)
    for said in ("1 word was not read.", "total 62", "prosody 70", "!θ→s ɪ n", "58 mispronounced", "omitted",
                 "0.30–0.90", ADVICE.title, ADVICE.message, "elocute-base 0.1.0 abcdef012345"):  # fmt: skip
        assert said in table
    assert "No speech was found" in html.write(BARE)


def test_no_text_becomes_markup() -> None:
    plain = Page(html.write(ADVISED))
    advice = replace(ADVICE, title="</script><b>", message="<!-- <script>")
    attacked = replace(hostile(), suggestions=(advice,))
    page = Page(html.write(attacked))
    assert page.open == []
    assert page.tags <= plain.tags
    assert page.attributes == plain.attributes
    assert "<" not in page.held["data"]
    assert json.loads(page.held["data"]) == attacked.to_dict()
    assert page.held["script"] == plain.held["script"]


def test_it_loads_nothing_and_runs_one_script() -> None:
    text = html.write(ADVISED)
    page = Page(text)
    assert not page.tags & {"link", "img", "iframe", "object", "audio"}
    assert not page.attributes & {"src", "href", "onclick", "onload"}
    assert not re.search(r"url\(|@import|import\(|https?:(?!//www\.w3\.org/2000/svg)", text)
    rules = dict(rule.split(maxsplit=1) for rule in page.policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'{html._digest(page.held['script'])}'"
    assert rules["style-src"] == f"'{html._digest(page.held['style'])}'"


def test_the_modules_fit_into_one() -> None:
    assert {f"{name}.js" for name in html.MODULES} == {path.name for path in html.RENDERER.glob("*.js")}
    script = html._script()
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", script, re.MULTILINE)
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert "innerHTML" not in script
