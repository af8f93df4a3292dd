"""Signal handling: while a run trains, SIGTERM, SIGINT and SIGUSR2 are recorded, and the run ends at a whole sample.

Outside training they end the command. SLURM sends SIGUSR2 when the time is up or another job needs the machine; the
run is then queued again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from letterocr.base.errors import UserError, complain

OURS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)
HEED_SECONDS = 0.2  # seconds between two looks at the stop file

_entered: list[Signals] = []  # the Signals entered in this process; the last one receives the signals


class StoppedError(BaseException):
    """A signal came while no run was training; not an `Exception`, so that no `except Exception` catches it.

    Attributes:
        number: number of the signal.
        what: text added to the message.
    """

    def __init__(self, number: int, what: str = "") -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}{what}")
        self.number, self.what = number, what


class Signals:
    """Records the signals while it is entered, so that the run can end at a whole sample.

    Attributes:
        received: number of the signal that came, 0 if none; SIGUSR2 counts before the others.
    """

    received = 0

    def __enter__(self) -> Signals:
        self.received = 0
        self._old = {s: signal.signal(s, self._note) for s in OURS}
        _entered.append(self)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received != signal.SIGUSR2:  # SLURM sends SIGTERM together with it
            self.received = number

    def __exit__(self, *exception: object) -> None:
        _entered.remove(self)
        for number, handler in self._old.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set by Python


@contextmanager
def hold_signals() -> Iterator[Signals]:
    """Record the signals inside the block; do nothing outside the main thread, which alone receives signals."""
    if threading.current_thread() is threading.main_thread():
        with Signals() as held:
            yield held
    else:
        yield Signals()


class ObeyedSignals(Signals):
    """Raises StoppedError at any of the signals while it is entered."""

    def _note(self, number: int, frame: FrameType | None) -> None:
        raise StoppedError(number)


@contextmanager
def exit_with_sentence(stopped: str) -> Iterator[None]:
    """End a command with one sentence: status 2 for a mistake of the user, 128 + its number for a signal.

    Args:
        stopped: end of the message after a signal, which says what happens to the work done so far.
    """
    try:
        with ObeyedSignals():
            yield
    except UserError as error:
        sys.exit(complain(str(error)))
    except StoppedError as error:
        sys.exit(complain(f"{error}; {stopped}", 128 + error.number))


class StopFile:
    """File that tells the processes of one machine to stop.

    A signal from another process would kill a process that is not training at the moment. So each process enters a
    StopFile, and sends itself a SIGTERM as soon as the file exists and it is training.

    Args:
        path: path of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._left = threading.Event()

    def make(self, number: int) -> None:
        """Create the file, which tells all processes to stop, with the number of the signal; keep an existing file."""
        if not self.is_there():
            self.path.write_text(str(int(number)), encoding="utf-8")

    def is_there(self) -> bool:
        """Return whether the file exists."""
        return self.path.exists()

    def read_signal(self) -> int:
        """Return the number of the signal in the file; SIGTERM if the file is empty."""
        text = self.path.read_text(encoding="utf-8")
        return int(text) if text else signal.SIGTERM

    def __enter__(self) -> StopFile:
        self._left.clear()
        self._watch = threading.Thread(target=self._look, daemon=True, name="stop")
        self._watch.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._left.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._left.wait(HEED_SECONDS):
            current = _entered[-1] if _entered else None
            if current and not current.received and self.is_there():
                os.kill(os.getpid(), signal.SIGTERM)
                return  # a second signal might come while the first one is handled


class PassedSignals(Signals):
    """Signals that pass the first signal on to worker processes by a stop file, and raise StoppedError at the second.

    Args:
        stop: the stop file.
    """

    def __init__(self, stop: StopFile) -> None:
        self.stop = stop

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise StoppedError(number, " a second time")
        super()._note(number, frame)
        self.stop.make(number)
