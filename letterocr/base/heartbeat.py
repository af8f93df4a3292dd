"""Heartbeat files, which show that a process still works, on one machine or on many that share the folder.

A heartbeat file names its owner, and its owner renews the time of the file every few seconds. An owner on this machine
is looked up by its process number, and is dead if the machine was started again since it last renewed the file. An
owner on another machine counts as dead if its file is older than `DEAD_SECONDS`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import uuid
from dataclasses import asdict
from pathlib import Path

from letterocr.base.files import write_text
from letterocr.base.owner import (
    Owner,
    describe_this_process,
    is_earlier_start_of_this_job,
    is_here,
    is_of_an_earlier_boot,
    is_running,
)
from letterocr.base.untrusted import read_json_facts

BEAT_SECONDS = 10.0  # an owner renews the time of its file this often
DEAD_SECONDS = 120.0  # an owner on another machine counts as dead if its file is older


def format_owner() -> str:
    """Return the content of a heartbeat file of this process."""
    return json.dumps(asdict(describe_this_process()), indent=2) + "\n"


def read_owner(path: Path) -> Owner | None:
    """Read the owner that a heartbeat file names; return None if the file can't be read (yet).

    Raises:
        FileNotFoundError: there is no such file.
    """
    try:
        return Owner(**read_json_facts(path))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError):
        return None


def is_alive(owner: Owner | None, silent: float) -> bool:
    """Return whether the owner of a heartbeat file still works.

    Args:
        owner: the owner; None if the file can't be read (yet).
        silent: age of the file in seconds; negative if the clock was set back since it was renewed.
    """
    if is_of_an_earlier_boot(owner, silent) or (owner and is_earlier_start_of_this_job(owner)):
        return False
    return is_running(owner) if owner and is_here(owner) else abs(silent) < DEAD_SECONDS


class Heartbeat:
    """Context manager that renews the time of a file every `BEAT_SECONDS`.

    It renews the file that was there at its start, and not a later one of the same name, which has another owner.

    Args:
        path: a file that this process owns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> Heartbeat:
        self._file = os.open(self.path, os.O_RDONLY)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._left.set()
        self._thread.join()
        os.close(self._file)

    def _beat(self) -> None:
        while not self._left.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self._file)


class Presence:
    """Context manager that shows this process to others that work with it, by a heartbeat file in a shared folder.

    Args:
        folder: a folder that all these processes share.

    Attributes:
        name: name of this process, different from that of every other process.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._heartbeat = Heartbeat(self.path)

    @property
    def path(self) -> Path:
        """The heartbeat file of this process."""
        return self.folder / f"{self.name}.json"

    def __enter__(self) -> Presence:
        write_text(self.path, format_owner())
        self._heartbeat.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._heartbeat.__exit__()
        self.path.unlink(missing_ok=True)

    def is_alive(self, name: str) -> bool:
        """Return whether the process with this name still works.

        Args:
            name: `name` of a `Presence` in the same folder.
        """
        path = self.folder / f"{name}.json"
        try:
            owner = read_owner(path)
            os.utime(self.path)  # both times then come from the clock of the file system
            return is_alive(owner, self.path.stat().st_mtime - path.stat().st_mtime)
        except FileNotFoundError:
            return False
        except OSError:
            return True
