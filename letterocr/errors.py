"""The one exception for mistakes of the user, whose text is the whole message, and how a command says it."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


class UserError(Exception):
    """One clear sentence that names the value, the place and the mend; printed without a traceback.

    Attributes:
        status: of the command that ends with it.
    """

    status = 2


class RunningError(UserError):
    """Another process trains this run; asking again later may help, so that the status is another (EX_TEMPFAIL)."""

    status = 75


def complain(text: str, status: int = 2) -> int:
    """Say what is wrong in one line; returns the exit status."""
    print(f"letterocr: {text}", file=sys.stderr, flush=True)
    return status


def unread() -> NoReturn:
    """End this process as SIGPIPE would: nobody reads what it prints any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(128 + signal.SIGPIPE)
