"""Make docs/page.png and docs/report.png: python docs/screenshots.py RECORDING TEXT

The recording plays into the microphone of a real Chromium; the service has the shipped models. Needs the
extras serve and dev, and Pillow to make the files small.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import soundfile

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browsers import chromium  # noqa: E402
from elocute.assessor import Assessor  # noqa: E402
from fakes import write_wav  # noqa: E402
from servers import running  # noqa: E402

WIDTH = 1120


def main(recording: str, text: str) -> None:
    """Record, assess, and take both pictures."""
    samples, rate = soundfile.read(recording)
    with tempfile.TemporaryDirectory() as folder, running(acoustics={"shipped": Assessor}) as client:
        microphone = write_wav(Path(folder) / "microphone.wav", samples, rate)
        with chromium(microphone) as browser:
            page = browser.new_page(viewport={"width": WIDTH, "height": 900})
            page.goto(str(client.base_url))
            page.wait_for_selector("html[data-ready]")
            page.fill("#text", text)
            page.click("#record")
            page.wait_for_timeout(1000 * len(samples) / rate + 300)
            page.click("#record")
            page.wait_for_selector("#outcome:not([hidden]) .total")
            page.wait_for_timeout(500)
            page.evaluate("scrollTo(0, 0)")
            whole = page.screenshot(full_page=True)
            bottom = page.locator(".result > section").nth(1).bounding_box()
            assert bottom is not None
            save(whole, ROOT / "docs" / "page.png", int(bottom["y"]) - 12)
            with page.expect_download() as download:
                page.click("#save")
            report = Path(folder) / "report.html"
            download.value.save_as(report)
            page = browser.new_page(viewport={"width": WIDTH, "height": 900})
            page.goto(report.as_uri())
            page.wait_for_selector("html[data-drawn]")
            page.wait_for_timeout(500)
            save(page.screenshot(full_page=True), ROOT / "docs" / "report.png")


def save(png: bytes, path: Path, height: int | None = None) -> None:
    """With 96 colours, and cut off below ``height``."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.crop((0, 0, image.width, height or image.height)).quantize(96).save(path, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
