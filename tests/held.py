"""Runs that wait after their third stretch, so that what a test does to them comes neither too early nor too late.

A run then has two checkpoints, if it writes one after each stretch. It goes on when the file that `GO` names exists,
or the same with its seed as suffix, or when its process has received a signal. `held_site` does the same in processes
that no test forks, as SLURM's jobs.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

GO = "LETTEROCR_TEST_GO"
SITE = Path(__file__).parent / "held_site"
STRETCHES = 3
MOST_SECONDS = 240


def hold_runs() -> None:
    """Let the runs of this process wait, if a test asks for it."""
    if GO not in os.environ:
        return
    from letterocr.base import signals
    from letterocr.run.learning import Learning

    go, learn_stretch, stretches = Path(os.environ[GO]), Learning.learn_stretch, Counter[int]()

    def learn_and_wait(learning: Learning, limit: int | None = None) -> object:
        records, seed, end = learn_stretch(learning, limit), learning.config.seed, time.monotonic() + MOST_SECONDS
        stretches[seed] += 1
        while stretches[seed] == STRETCHES and not go.exists() and not go.with_suffix(f".{seed}").exists():
            if time.monotonic() > end or any(entered.received for entered in signals._entered):
                break
            time.sleep(0.005)
        return records

    Learning.learn_stretch = learn_and_wait
