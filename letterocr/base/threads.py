"""The number of CPU threads that a run uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Process:
    """What is known of this process.

    Attributes:
        computed: whether it has asked for threads.
        forked: whether it is a fork of a process that had: OpenMP's threads are not there, and waiting for them hangs.
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
    """The number of threads that `threads=` asks for; 0 stands for all cores that this process may use.

    A process that was forked from one that had computed already has one thread, whatever is asked for.
    """
    _Process.computed = "torch" in sys.modules
    return 1 if _Process.forked else asked or len(os.sched_getaffinity(0))


@contextmanager
def limit_threads(asked: int) -> Iterator[None]:
    """Let PyTorch use this many CPU threads inside the block, and as many as before after it.

    Args:
        asked: threads; 0: as many as there are cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count_threads(asked))
    try:
        yield
    finally:
        torch.set_num_threads(before)
