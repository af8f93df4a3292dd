"""Work on the test letters that several threads share: each takes a stretch of the letters.

A compiled function gives up Python's lock, so that ordinary threads run it side by side. (`prange` does the same within
the compiled code, as `threaded` needs it for each sample; but compiling it takes seconds more for each function.)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch


def list_shares(total: int, shares: int) -> list[tuple[int, int]]:
    """Return where each of that many equal stretches of `total` rows begins and ends."""
    return [(total * share // shares, total * (share + 1) // shares) for share in range(shares)]


@cache
def _open_pool(process: int) -> ThreadPoolExecutor:
    """Return the threads of a process; a forked process has none of its parent's."""
    return ThreadPoolExecutor(os.cpu_count(), "letterocr-shares", torch.set_num_threads, (1,))


def run_shares(work: Callable[[int], None], shares: int) -> None:
    """Call `work(share)` for each share: the first in this thread, each other one in a thread of its own.

    PyTorch uses one thread for each product meanwhile.

    Args:
        work: whose shares write to different places.
        shares: number of shares.
    """
    if shares == 1:
        work(0)
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        pool = _open_pool(os.getpid())
        others = [pool.submit(work, share) for share in range(1, shares)]
        work(0)
        for other in others:
            other.result()
    finally:
        torch.set_num_threads(threads)
