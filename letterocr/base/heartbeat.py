"""Files that show that a process works, on one machine or on many that share the folder.

Such a file names its owner, who touches it every few seconds. An owner on this machine is looked up by its process
number; one on another machine counts as dead once its file has not been touched for `DEAD_SECONDS`.
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
from letterocr.base.owner import Owner, describe_this_process, is_earlier_start_of_this_job, is_here, is_running

BEAT_SECONDS = 10.0  # how often an owner touches its file
DEAD_SECONDS = 120.0  # an owner on another machine that was silent for longer is dead


def format_owner() -> str:
    """The text of a file that this process owns."""
    return json.dumps(asdict(describe_this_process()), indent=2) + "\n"


def read_owner(path: Path) -> Owner | None:
    """The owner that a file names; None where it can't be read (yet).

    Raises:
        FileNotFoundError: there is no such file.
    """
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError):
        return None


def is_alive(owner: Owner | None, silent: float) -> bool:
    """Whether the owner of a file still works.

    Args:
        owner: None where the file can't be read (yet).
        silent: seconds since the file was last touched.
    """
    if owner is None:
        return silent < DEAD_SECONDS
    if is_earlier_start_of_this_job(owner):
        return False
    return is_running(owner) if is_here(owner) else silent < DEAD_SECONDS


class Heartbeat:
    """Touches a file of this process every `BEAT_SECONDS` while it is entered.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._left.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._left.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self.path)


class Presence:
    """Shows this process as one of several that work together, by a file in their folder, while it is entered.

    Args:
        folder: that all of them share.

    Attributes:
        name: of this process, which no other has.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._heartbeat = Heartbeat(self.path)

    @property
    def path(self) -> Path:
        """Of its file."""
        return self.folder / f"{self.name}.json"

    def __enter__(self) -> Presence:
        write_text(self.path, format_owner())
        self._heartbeat.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._heartbeat.__exit__()
        self.path.unlink(missing_ok=True)

    def is_alive(self, name: str) -> bool:
        """Whether the process of that name still works."""
        path = self.folder / f"{name}.json"
        try:
            owner = read_owner(path)
            os.utime(self.path)  # by the clock of the file system
            return owner is None or is_alive(owner, self.path.stat().st_mtime - path.stat().st_mtime)
        except FileNotFoundError:
            return False
        except OSError:
            return True
