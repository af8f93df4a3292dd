"""Number of CPU threads that a run uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def count_threads(asked: int) -> int:
    """Return the number of threads that `threads=` asks for; 0 stands for all cores that this process may use."""
    return asked or len(os.sched_getaffinity(0))


@contextmanager
def limit_threads(asked: int) -> Iterator[None]:
    """Limit the CPU threads of PyTorch inside the block; restore their number after it.

    Args:
        asked: number of threads; 0: as many as there are cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count_threads(asked))
    try:
        yield
    finally:
        torch.set_num_threads(before)
