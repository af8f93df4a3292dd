"""The one exception for mistakes of the user, whose text is the whole message, and how a command says it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """One clear sentence that names the value, the place and the mend; printed without a traceback.

    Attributes:
        status: of the command that ends with it.
    """

    status = 2


class RunningError(UserError):
    """Another process does this already; asking again later may help, so that the status is another (EX_TEMPFAIL)."""

    status = 75


def complain(text: str, status: int = 2) -> int:
    """Say what is wrong in one line; returns the exit status."""
    print(f"letterocr: {text}", file=sys.stderr, flush=True)
    return status


@contextmanager
def end_quietly() -> Iterator[None]:
    """Ends the process as SIGPIPE would where nobody reads its output any more; also a decorator: `@end_quietly()`."""
    try:
        try:
            yield
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # takes what is still to be written
        sys.exit(128 + signal.SIGPIPE)
