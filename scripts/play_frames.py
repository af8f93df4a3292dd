"""Measure how many pictures a second the play page shows while one draws, and the time that each of them takes.

    python scripts/play_frames.py play.html

It draws a long stroke in Debian's Chromium for some seconds. It prints the time between two pictures, the time that the
page's own code takes for one, and the processor time of the page's main thread for one, which other programs on the
machine hardly change: below 16.7 ms, the page can show 60 pictures a second. Other programs take pictures away: start
it on an idle machine, or with `chrt --rr 1` before it, which lets it go first.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
from chromium import open_chromium

SECONDS = 4.0
WATCH = """() => {
  globalThis.frames = [];
  globalThis.worked = [];
  const ask = requestAnimationFrame.bind(globalThis);
  globalThis.requestAnimationFrame = (job) => ask((now) => {
    const start = performance.now();
    job(now);
    worked.push(performance.now() - start);
  });
  const tick = (now) => { frames.push(now); ask(tick); };
  ask(tick);
}"""


def measure(path: Path) -> tuple[np.ndarray, np.ndarray, float]:
    """Draw on a page; return milliseconds between pictures, of its code for each, and of processor time for one."""
    with open_chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.resolve().as_uri())
        page.wait_for_selector("html[data-ready]")
        box = page.locator("#sheet").bounding_box()
        assert box is not None
        page.wait_for_timeout(500)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.evaluate(WATCH)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        steps, start = 0, read_processor_seconds(session)
        while page.evaluate("frames.at(-1) - frames[0]") < 1000 * SECONDS:
            steps += 1
            angle, radius = steps / 7, 0.1 + 0.3 * abs(math.sin(steps / 50))
            x, y = 0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.up()
        seconds = read_processor_seconds(session) - start
        frames, worked = page.evaluate("[frames, worked]")
    return np.diff(frames), np.array(worked), 1000 * seconds / len(worked)


def read_processor_seconds(session: Any) -> float:
    """Return the processor time that the page's main thread has taken so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, help="a page that letterocr play wrote")
    between, worked, processor = measure(parser.parse_args().page)
    print(f"{1000 / between.mean():.1f} pictures a second over {between.sum() / 1000:.1f} seconds")
    for name, values in (("between two pictures", between), ("the page's code for one", worked)):
        print(f"{name}: median {np.median(values):.1f} ms, 95 % below {np.quantile(values, 0.95):.1f} ms")
    print(f"processor time of the main thread for one: {processor:.1f} ms")


if __name__ == "__main__":
    main()
