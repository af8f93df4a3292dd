"""Make the picture of the play page for README: an E is drawn on a page that `letterocr play` wrote.

letterocr play output=play.html
python scripts/play_picture.py play.html --out docs/play.png
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from chromium import open_chromium

WIDTH, HEIGHT, SCALE = 1280, 680, 0.75
COLOURS = 20  # of the picture, so that its file is small
E = "126a3a6648645e6278617a618d60a35fb05fc0.126a3a8538a836b835.1264749a74ae72.1260c095c0c0c4"  # strokes as in a link


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, help="a page that letterocr play wrote")
    parser.add_argument("--out", type=Path, default=Path("docs/play.png"), help="the picture")
    given = parser.parse_args()
    from PIL import Image

    with open_chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE)
        page.goto(f"{given.page.resolve().as_uri()}#view=read&ink={E}")
        page.wait_for_selector("html[data-ready]")
        page.wait_for_timeout(1000)
        picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        given.out, optimize=True
    )
    print(f"{given.out}: {given.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
