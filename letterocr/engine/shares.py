"""Work on the test letters that several threads share: each takes a stretch of the letters.

A compiled function gives up Python's lock, so that ordinary threads run it side by side. (`prange` does the same within
the compiled code, as `threaded` needs it for each sample; but compiling it takes seconds more for each function.)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Concatenate, ParamSpec

from letterocr.engine.kernels import inlined

Rest = ParamSpec("Rest")


@inlined
def find_share(total: int, shares: int, index: int) -> int:
    """Return where the index-th of that many equal stretches of `total` rows begins."""
    return total * index // shares


@cache
def _open_pool(process: int) -> ThreadPoolExecutor:
    """Return the threads of a process; a forked process has none of its parent's."""
    return ThreadPoolExecutor(os.cpu_count(), "letterocr-shares")


def run_shares(
    work: Callable[Concatenate[int, int, Rest], None], shares: int, *arguments: Rest.args, **named: Rest.kwargs
) -> None:
    """Call `work(share, shares, ...)` for each share: the first in this thread, each other one in a thread of its own.

    Args:
        work: compiled function whose shares write to different places.
        shares: number of shares.
        arguments: its further arguments.
        named: its further named arguments.
    """
    pool = _open_pool(os.getpid()) if shares > 1 else None
    others = [pool.submit(work, share, shares, *arguments, **named) for share in range(1, shares)] if pool else []
    try:
        work(0, shares, *arguments, **named)
    finally:
        for other in others:
            other.result()
