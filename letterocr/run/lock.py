"""The lock of a run folder: at most one process trains a run, on one machine or on many that share the folder.

A lock is a file `lock.N.json` that names its owner. It comes into being as a whole and only where there is none
(a hard link), and its owner touches it while it works. A lock whose owner is dead is never changed: the next owner
makes the file of the next N, which again only one can do, and removes the dead one afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from letterocr.base.errors import RunningError
from letterocr.base.owner import BEAT_SECONDS, DEAD_SECONDS, Owner, _identify_system, describe_this_process, is_alive

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
        self._left = threading.Event()

    def refuse(self) -> None:
        """Raise RunningError where another process holds the lock; writes nothing."""
        self._others(time.time())

    def __enter__(self) -> Lock:
        self._made = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        try:
            self._own = self._take()
        except BaseException:
            self._tidy()
            raise
        self._beat = threading.Thread(target=self._keep, daemon=True, name="lock")
        self._beat.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._left.set()
        self._beat.join()
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
        text = json.dumps(asdict(describe_this_process()), indent=2) + "\n"
        temporary = self.folder / f".lock.{socket.gethostname()}.{os.getpid()}.tmp"
        for _ in range(TRIES):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_text(text, encoding="utf-8")
                now = temporary.stat().st_mtime  # by the clock of the file system, as those of the locks
                dead = self._others(now)
                path = self.folder / f"lock.{max([_parse_number(p) for p in dead], default=0) + 1}.json"
                _create_lock(temporary, path, text)
            except (FileExistsError, FileNotFoundError):
                continue  # another was faster, or tidied up: look again
            finally:
                temporary.unlink(missing_ok=True)
            try:
                self._others(now, path)
            except RunningError:  # both of us hold one: both let go and look again
                path.unlink(missing_ok=True)
                time.sleep(random.uniform(0, 0.2))
                continue
            for other in dead:
                other.unlink(missing_ok=True)
            return path
        raise RunningError(f"{self.folder} is wanted by several processes at once: ask again.")

    def _others(self, now: float, own: Path | None = None) -> list[Path]:
        """The locks of dead owners; raises RunningError if one is alive."""
        dead = []
        for path in self.folder.glob("lock.*.json"):
            if path == own:
                continue
            try:
                silent = now - path.stat().st_mtime
                owner = _read_owner(path)
            except FileNotFoundError:  # just released
                continue
            if is_alive(owner, silent):
                who = str(owner) if owner else "another process"
                after = f" (if it was killed there, ask again in {DEAD_SECONDS:.0f} seconds)"
                far = owner is None or (owner.host, owner.system) != (socket.gethostname(), _identify_system())
                raise RunningError(f"{self.folder} is being trained by {who}: wait for it{after if far else ''}.")
            dead.append(path)
        return dead

    def _keep(self) -> None:
        while not self._left.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self._own or self.folder)


def _parse_number(path: Path) -> int:
    middle = path.name.split(".")[1]
    return int(middle) if middle.isdecimal() else 0


def _read_owner(path: Path) -> Owner | None:
    try:
        facts: Any = json.loads(path.read_text(encoding="utf-8"))
        return Owner(**facts)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError):
        return None


def _create_lock(temporary: Path, path: Path, text: str) -> None:
    """Make the lock as a whole; raises FileExistsError where it is there."""
    try:
        os.link(temporary, path)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # a file system without hard links
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
