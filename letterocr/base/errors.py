"""Exceptions for mistakes of the user, and how a command reports them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """A mistake of the user. Its text is one sentence that names the value, the place and the mend.

    A command prints the text without a traceback.

    Attributes:
        status: exit status of a command that ends with this error.
    """

    status = 2


class RunningError(UserError):
    """Another process already does this work. The exit status (EX_TEMPFAIL) says that a later attempt may succeed."""

    status = 75


def complain(text: str, status: int = 2) -> int:
    """Print an error message on standard error, as one line, and return the exit status.

    Args:
        text: the message, without the name of the program.
        status: the exit status to return.
    """
    print(f"letterocr: {text}", file=sys.stderr, flush=True)
    return status


@contextmanager
def end_quietly() -> Iterator[None]:
    """End the process without a message when its output is no longer read, as SIGPIPE would; also `@end_quietly()`."""
    try:
        try:
            yield
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # takes the rest of the buffered output
        sys.exit(128 + signal.SIGPIPE)
