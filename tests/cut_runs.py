"""Runs of the tiny alphabet that a signal stops at a checkpoint."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from tiny import at_checkpoint, command

EVERY_STRETCH = "checkpoint_seconds=0"


def stop_after(count: int, *overrides: str, number: int = signal.SIGTERM) -> None:
    """Train until the count-th checkpoint."""
    with at_checkpoint(count, number):
        assert command(EVERY_STRETCH, *overrides).status == 128 + number


def copy_run(folder: Path, output: Path) -> Path:
    """The run folder again below another output folder, where the same command finds it."""
    return Path(shutil.copytree(folder, output / folder.name))
