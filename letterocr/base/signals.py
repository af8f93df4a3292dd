"""Signal handling: SIGTERM, SIGINT and SIGUSR2 are noted while a run trains, which then ends at a whole sample.

Outside training they end the command. SLURM sends SIGUSR2 where the time is up or another job needs the machine: the
run is queued again.
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
HEED_SECONDS = 0.2

_entered: list[Signals] = []  # in this process, the innermost last: that is the one which gets the signals


class StoppedError(BaseException):
    """A signal came while no run was training; not an `Exception`, so that nothing on the way catches it.

    Attributes:
        number: the signal's number.
        what: text added to the message.
    """

    def __init__(self, number: int, what: str = "") -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}{what}")
        self.number, self.what = number, what


class Signals:
    """Notes the signals while it is entered, so that the run can end at a whole sample."""

    received = 0  # the number of the first signal that came; 0: none

    def __enter__(self) -> Signals:
        self.received = 0
        self._old = {s: signal.signal(s, self._note) for s in OURS}
        _entered.append(self)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received != signal.SIGUSR2:  # SLURM sends SIGTERM along with it
            self.received = number

    def __exit__(self, *exception: object) -> None:
        _entered.remove(self)
        for number, handler in self._old.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set by Python


@contextmanager
def hold_signals() -> Iterator[Signals]:
    """Note the signals inside the block, as `Signals`; in any thread but the main one, which gets none, do nothing."""
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
    """Ends a command with one sentence: status 2 at a mistake of the user, 128 and its number at a signal.

    Args:
        stopped: what the message says of the command's work when a signal ends it.
    """
    try:
        with ObeyedSignals():
            yield
    except UserError as error:
        sys.exit(complain(str(error)))
    except StoppedError as error:
        sys.exit(complain(f"{error}; {stopped}", 128 + error.number))


class StopFile:
    """A file by which the processes of one machine tell each other to stop.

    A process that may be training, reading or idle between two runs can't be sent a signal: it would die of it. So
    while a StopFile is entered, this process gets a SIGTERM as soon as the file is there, if it is training.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._left = threading.Event()

    def make(self, number: int) -> None:
        """Tell all to stop, because of that signal; the first signal counts."""
        if not self.is_there():
            self.path.write_text(str(int(number)), encoding="utf-8")

    def is_there(self) -> bool:
        """Whether all were told to stop."""
        return self.path.exists()

    def read_signal(self) -> int:
        """The number of the signal for which all were told to stop; SIGTERM where none is named."""
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
                return  # a second one might come while the first is obeyed


class PassedSignals(Signals):
    """Tells the processes that work for this one of the first signal, by a file; raises StoppedError at the second.

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
