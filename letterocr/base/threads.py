"""How many CPU threads a command computes with."""

from __future__ import annotations

import os


def count_threads(asked: int) -> int:
    """The CPU threads that `threads=` asks for: 0 stands for as many as there are cores that this process may use."""
    return asked or len(os.sched_getaffinity(0))
