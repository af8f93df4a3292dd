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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from letterocr.errors import RunningError

BEAT_SECONDS = 10.0  # how often an owner touches its lock
DEAD_SECONDS = 120.0  # an owner on another machine that was silent for longer is dead
TRIES = 100  # to take a lock that others want too, each a moment long


@dataclass(frozen=True)
class Owner:
    """A process that trains a run.

    Attributes:
        host: name of the machine.
        system: this start of this machine's system, and which of its process number spaces; empty if unknown.
        pid: process number.
        started: start time of the process, so that a number that was given again is not taken for the owner.
        job: SLURM job id, as `12` or `12_3`, or empty.
        restarts: how often SLURM had started that job again.
        since: when it took the lock, in words.
    """

    host: str
    system: str
    pid: int
    started: str
    job: str
    restarts: int
    since: str

    def __str__(self) -> str:
        job = f", SLURM job {self.job}" if self.job else ""
        return f"process {self.pid} on {self.host}{job}, since {self.since}"


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
        return file.read().strip()
    return ""


def started(pid: int) -> str:
    """When that process of this machine started, in ticks of its clock; empty where it can't be known."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()  # the name before may hold anything
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def _system() -> str:
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return _read("/proc/sys/kernel/random/boot_id") + space


def slurm_job() -> str:
    """The id of the SLURM job that this process belongs to, as `12` or `12_3`; empty outside SLURM."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID', '')}" if array else os.environ.get("SLURM_JOB_ID", "")


def this_process() -> Owner:
    """The owner that this process would be."""
    return Owner(
        host=socket.gethostname(),
        system=_system(),
        pid=os.getpid(),
        started=started(os.getpid()),
        job=slurm_job(),
        restarts=int(os.environ.get("SLURM_RESTART_COUNT") or 0),
        since=time.strftime("%Y-%m-%d %H:%M:%S"),
    )


def alive(owner: Owner | None, silent: float) -> bool:
    """Whether the owner of a lock still works.

    Args:
        owner: None where the lock can't be read (yet).
        silent: seconds since it last touched its lock.
    """
    here = this_process()
    if owner is None:
        return silent < DEAD_SECONDS
    if owner.job and owner.job == here.job and owner.restarts < here.restarts:
        return False  # this is the same job, started again
    if (owner.host, owner.system) != (here.host, here.system):
        return silent < DEAD_SECONDS
    if owner.started:
        return started(owner.pid) == owner.started
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
        text = json.dumps(asdict(this_process()), indent=2) + "\n"
        temporary = self.folder / f".lock.{socket.gethostname()}.{os.getpid()}.tmp"
        for _ in range(TRIES):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_text(text, encoding="utf-8")
                now = temporary.stat().st_mtime  # by the clock of the file system, as those of the locks
                dead = self._others(now)
                path = self.folder / f"lock.{max([_number(p) for p in dead], default=0) + 1}.json"
                _create(temporary, path, text)
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
                owner = _owner(path)
            except FileNotFoundError:  # just released
                continue
            if alive(owner, silent):
                who = str(owner) if owner else "another process"
                after = f" (if it was killed there, ask again in {DEAD_SECONDS:.0f} seconds)"
                far = owner is None or (owner.host, owner.system) != (socket.gethostname(), _system())
                raise RunningError(f"{self.folder} is being trained by {who}: wait for it{after if far else ''}.")
            dead.append(path)
        return dead

    def _keep(self) -> None:
        while not self._left.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self._own or self.folder)


def _number(path: Path) -> int:
    middle = path.name.split(".")[1]
    return int(middle) if middle.isdecimal() else 0


def _owner(path: Path) -> Owner | None:
    try:
        facts: Any = json.loads(path.read_text(encoding="utf-8"))
        return Owner(**facts)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError):
        return None


def _create(temporary: Path, path: Path, text: str) -> None:
    """Make the lock as a whole; raises FileExistsError where it is there."""
    try:
        os.link(temporary, path)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # a file system without hard links
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
