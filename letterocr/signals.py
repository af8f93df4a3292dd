"""SIGTERM and SIGINT: noted while a run trains, which then ends at a whole sample; obeyed at once before and after."""

from __future__ import annotations

import signal
from typing import Any


class StoppedError(BaseException):
    """A signal came while no run was training; not an `Exception`, so that nothing on the way catches it.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


class Signals:
    """Notes SIGTERM and SIGINT while it is entered, so that the run can end at a whole sample."""

    def __enter__(self) -> Signals:
        self.received = 0
        self._old = {s: signal.signal(s, self._note) for s in (signal.SIGTERM, signal.SIGINT)}
        return self

    def _note(self, number: int, frame: Any) -> None:
        self.received = number

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)


class Obeyed(Signals):
    """Raises StoppedError at SIGTERM and SIGINT while it is entered."""

    def _note(self, number: int, frame: Any) -> None:
        raise StoppedError(number)
