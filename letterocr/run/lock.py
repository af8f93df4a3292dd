"""The lock of a run folder: at most one process trains a run, on one machine or on many that share the folder.

A lock is a file `lock.N.json` that names its owner. It comes into being as a whole and only where there is none
(a hard link), and its owner touches it while it works. A lock whose owner is dead is never changed: the next owner
makes the file of the next N, which again only one can do, and removes the dead one afterwards.
"""

from __future__ import annotations

import os
import random
import socket
import time
from pathlib import Path

from letterocr.base.errors import RunningError
from letterocr.base.heartbeat import DEAD_SECONDS, Heartbeat, format_owner, is_alive, read_owner
from letterocr.base.owner import is_here

TRIES = 100  # to take a lock that others want too, each a moment long


class Lock:
    """Holds the lock of a run folder while it is entered; makes the folder, and removes it again if nothing is in it.

    Args:
        folder: the run folder.

    Raises:
        RunningError: another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own: Path | None = None
        self._made: list[Path] = []

    def refuse(self) -> None:
        """Raise RunningError where another process holds the lock; writes nothing."""
        self._list_dead(time.time())

    def __enter__(self) -> Lock:
        self._made = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        try:
            self._own = self._take()
        except BaseException:
            self._tidy()
            raise
        self._heartbeat = Heartbeat(self._own)
        self._heartbeat.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._heartbeat.__exit__()
        if self._own is not None:
            self._own.unlink(missing_ok=True)
        self._tidy()

    def verify(self) -> None:
        """Raise RunningError if another process took the lock over, as one that was silent for too long."""
        if self._own is None or not self._own.exists():
            self.refuse()
            raise RunningError(f"{self.folder} was taken over by another process while this one was silent.")

    def _tidy(self) -> None:
        for path in self._made:  # the innermost first
            try:
                path.rmdir()
            except OSError:
                return

    def _take(self) -> Path:
        text = format_owner()
        temporary = self.folder / f".lock.{socket.gethostname()}.{os.getpid()}.tmp"
        for _ in range(TRIES):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_text(text, encoding="utf-8")
                now = temporary.stat().st_mtime  # by the clock of the file system, as those of the locks
                dead = self._list_dead(now)
                path = self.folder / f"lock.{max([_parse_number(p) for p in dead], default=0) + 1}.json"
                _create_lock(temporary, path, text)
            except (FileExistsError, FileNotFoundError):
                continue  # another was faster, or tidied up: look again
            finally:
                temporary.unlink(missing_ok=True)
            try:
                self._list_dead(now, path)
            except RunningError:  # both of us hold one: both let go and look again
                path.unlink(missing_ok=True)
                time.sleep(random.uniform(0, 0.2))
                continue
            for other in dead:
                other.unlink(missing_ok=True)
            return path
        raise RunningError(f"{self.folder} is wanted by several processes at once: ask again.")

    def _list_dead(self, now: float, own: Path | None = None) -> list[Path]:
        """The locks of dead owners; raises RunningError if one is alive."""
        dead = []
        for path in self.folder.glob("lock.*.json"):
            if path == own:
                continue
            try:
                silent = now - path.stat().st_mtime
                owner = read_owner(path)
            except FileNotFoundError:  # just released
                continue
            if is_alive(owner, silent):
                who = str(owner) if owner else "another process"
                after = f" (if it was killed there, ask again in {DEAD_SECONDS:.0f} seconds)"
                is_far = owner is None or not is_here(owner)
                raise RunningError(f"{self.folder} is being trained by {who}: wait for it{after if is_far else ''}.")
            dead.append(path)
        return dead


def _parse_number(path: Path) -> int:
    middle = path.name.split(".")[1]
    return int(middle) if middle.isdecimal() else 0


def _create_lock(temporary: Path, path: Path, text: str) -> None:
    """Make the lock as a whole; raises FileExistsError where it is there."""
    try:
        os.link(temporary, path)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # a file system without hard links
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
