"""Number of CPU threads that a run uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Process:
    """State of this process.

    Attributes:
        computed: whether it may have started threads of OpenMP.
        forked: whether it was forked from such a process. It then lacks those threads, and would wait for them forever.
    """

    computed = False
    forked = False

    @classmethod
    def note_fork(cls) -> None:
        cls.forked = cls.forked or cls.computed
        if cls.forked:
            sys.modules["torch"].set_num_threads(1)


os.register_at_fork(after_in_child=_Process.note_fork)


def count_threads(asked: int) -> int:
    """Return the number of threads that `threads=` asks for; 0 stands for all cores that this process may use.

    The number is 1 in a process that was forked after its parent had computed.
    """
    _Process.computed = "torch" in sys.modules
    return 1 if _Process.forked else asked or len(os.sched_getaffinity(0))


@contextmanager
def limit_threads(asked: int) -> Iterator[None]:
    """Limit the CPU threads of PyTorch inside the block; restore their number after it.

    Args:
        asked: number of threads; 0: as many as there are cores.
    """
    with use_threads(count_threads(asked)):
        yield


@contextmanager
def use_threads(number: int) -> Iterator[None]:
    """Compute with a number of PyTorch's CPU threads inside the block; restore their number after it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
