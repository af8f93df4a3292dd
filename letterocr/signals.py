"""SIGTERM and SIGINT noted, not obeyed at once: the run ends at a whole sample, with a checkpoint."""

from __future__ import annotations

import signal
from typing import Any


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
