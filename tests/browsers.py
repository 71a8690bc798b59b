"""A real Chromium without a window; the tests that need it are skipped where it is missing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip
WIDE, NARROW = (1200, 850), (390, 800)


@contextmanager
def chromium(microphone: Path | None = None) -> Iterator[Browser]:
    """A browser; its microphone is allowed and plays the WAV file ``microphone`` once."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium here; as root, `make browser` installs it")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = list(FLAGS)
    if microphone is not None:
        flags += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
                  f"--use-file-for-fake-audio-capture={microphone}%noloop"]  # fmt: skip
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


class Watched:
    """A page whose errors fail the test: exceptions, console errors, requests to other hosts."""

    def __init__(self, context: BrowserContext, home: str = "") -> None:
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on(
            "console", lambda message: self.faults.append(message.text) if message.type == "error" else None
        )
        self.page.on("request", lambda request: self._check(request.url, home))

    def _check(self, url: str, home: str) -> None:
        if not url.startswith(("data:", "blob:", "file:", home or "file:")):
            self.faults.append(f"request to {url}")


def note_playing(page: Page) -> None:
    """From now on, ``window.played`` lists the words that have been shown as being heard, by their index."""
    page.evaluate(
        """() => {
          window.played = [];
          new MutationObserver(changes => changes.forEach(({ target }) => {
            if (target.classList.contains("playing")) window.played.push(Number(target.dataset.word));
          })).observe(document.querySelector(".reading"), { subtree: true, attributeFilter: ["class"] });
        }"""
    )


def until(page: Page, expression: str, seconds: float = 60.0) -> None:
    """Wait for an expression to be true; Playwright's own way is not allowed by the page's policy."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(50)


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def contrast(page: Page, selector: str) -> float:
    """WCAG contrast ratio of an element's text with the nearest opaque background behind it."""
    ratio: float = page.evaluate(
        """selector => {
          const parse = c => (c.match(/[\\d.]+/g) ?? []).map(Number);
          const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
          const weights = [.2126, .7152, .0722];
          const lum = rgb => weights.reduce((sum, w, i) => sum + w * linear(rgb[i] / 255), 0);
          let node = document.querySelector(selector);
          const ink = parse(getComputedStyle(node).color);
          let ground = [255, 255, 255];
          for (; node; node = node.parentElement) {
            const found = parse(getComputedStyle(node).backgroundColor);
            if (found.length === 3 || found[3] === 1) { ground = found; break; }
          }
          const [a, b] = [lum(ink), lum(ground)].sort((x, y) => y - x);
          return (a + .05) / (b + .05);
        }""",
        selector,
    )
    return ratio
