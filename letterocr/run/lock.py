"""Lock of a run folder: at most one process trains a run, on one machine or on many that share the folder.

A lock is a file `lock.N.json` that names its owner, the process that trains the run. The file is created as a hard
link, so that it is complete from the start and only one process can create it. The owner renews its time of change
while it works. A lock whose owner is dead is never changed: the next owner creates the file with the next N, which
again only one process can do, and then removes the old file.

An owner that was stopped for longer than that finds its own file gone, or with another content, and then replaces no
file of the run any more: it looks at every checkpoint, and again directly before any file gets its name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import secrets
import socket
import time
from pathlib import Path
from types import TracebackType

from letterocr.base.errors import RunningError
from letterocr.base.heartbeat import BEAT_SECONDS, DEAD_SECONDS, Heartbeat, format_owner, is_alive, read_owner
from letterocr.base.owner import is_here, read_uptime

GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
TRIES = 100  # attempts to take a lock that other processes want too


class Lock:
    """Lock of a run folder; a context manager that makes the folder, and removes it at the end if it is empty.

    Args:
        folder: the run folder.

    Raises:
        RunningError: another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own: Path | None = None
        self._text = ""
        self._verified = read_uptime()
        self._made: list[Path] = []

    def refuse(self) -> None:
        """Raise RunningError if another process holds the lock; write nothing."""
        self._list_dead(time.time())

    def __enter__(self) -> Lock:
        self._made = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        try:
            self._own = self._take()
        except BaseException:
            self._tidy()
            raise
        self._heartbeat = Heartbeat(self._own)
        try:
            self._heartbeat.__enter__()
        except FileNotFoundError as error:
            raise self._explain_loss() from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.__exit__()
        held = False
        with contextlib.suppress(OSError):
            held = self._is_held()
        if held and self._own:
            self._own.unlink(missing_ok=True)
        self._tidy()
        if isinstance(error, OSError) and not held:  # the new owner removed the temporary files of this one
            raise self._explain_loss() from error

    def verify(self) -> None:
        """Raise RunningError if another process took the lock over because this one did not renew it in time."""
        if not self._is_held():
            self._list_dead(time.time(), self._own)
            raise self._explain_loss()
        self._verified = read_uptime()

    def verify_if_due(self) -> None:
        """Verify the lock if that was last done longer ago than a heartbeat, as after a stop of this process."""
        if read_uptime() - self._verified > BEAT_SECONDS:
            self.verify()

    def _is_held(self) -> bool:
        """Return whether the lock is there, is not a later one of the same number, and none has a higher number."""
        assert self._own
        try:  # opened, not looked up: NFS then asks the server
            text = self._own.read_text(encoding="utf-8")
        except OSError as error:
            if error.errno in GONE:
                return False
            raise
        number = _parse_number(self._own)
        return text == self._text and all(_parse_number(path) <= number for path in self.folder.glob("lock.*.json"))

    def _explain_loss(self) -> RunningError:
        return RunningError(
            f"{self.folder} was taken over by another process, as this one did not renew its lock in time: "
            "give the command again later."
        )

    def _tidy(self) -> None:
        for path in self._made:  # the innermost first
            try:
                path.rmdir()
            except OSError:
                return

    def _take(self) -> Path:
        text = self._text = format_owner()
        temporary = self.folder / f".lock.{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
        for _ in range(TRIES):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_text(text, encoding="utf-8")
                now = temporary.stat().st_mtime  # by the clock of the file system, as the times of the locks
                dead = self._list_dead(now)
                path = self.folder / f"lock.{max([_parse_number(p) for p in dead], default=0) + 1}.json"
                _create_lock(temporary, path, text)
            except (FileExistsError, FileNotFoundError):  # another process was faster, or removed the folder
                time.sleep(random.uniform(0, 0.02))  # NFS may show a new lock late
                continue
            finally:
                temporary.unlink(missing_ok=True)
            try:
                self._list_dead(now, path)
            except RunningError:  # two processes hold a lock: both release it and try again
                path.unlink(missing_ok=True)
                time.sleep(random.uniform(0, 0.2))
                continue
            for other in dead:
                other.unlink(missing_ok=True)
            return path
        raise RunningError(f"Several processes want the lock of {self.folder} at once: give the command again.")

    def _list_dead(self, now: float, own: Path | None = None) -> list[Path]:
        """Return the locks of dead owners; raise RunningError if the owner of a lock is alive."""
        dead = []
        for path in self.folder.glob("lock.*.json"):
            if path == own:
                continue
            try:
                silent = now - path.stat().st_mtime
                owner = read_owner(path)
            except OSError as error:
                if error.errno in GONE:  # just released
                    continue
                raise
            if is_alive(owner, silent):
                who = str(owner) if owner else "another process"
                after = f" (if it was killed there, give the command again in {DEAD_SECONDS:.0f} seconds)"
                is_far = owner is None or not is_here(owner)
                raise RunningError(f"{self.folder} is being trained by {who}: wait for it{after if is_far else ''}.")
            dead.append(path)
        return dead


def _parse_number(path: Path) -> int:
    middle = path.name.split(".")[1]
    return int(middle) if middle.isdecimal() else 0


def _create_lock(temporary: Path, path: Path, text: str) -> None:
    """Create a complete lock; raise FileExistsError if it exists already."""
    try:
        os.link(temporary, path)
    except OSError as error:
        if temporary.stat().st_nlink == 2:  # NFS may repeat a request that was done, and report that it failed
            return
        if isinstance(error, FileExistsError | FileNotFoundError):
            raise  # otherwise: a file system without hard links
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
