"""Which workers of a study are alive, on one machine or on many that share the folder.

Each worker has a file in `workers/` that it touches while it lives. On the same machine the process itself is looked
for; a worker on another one that was silent for two minutes is dead.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import uuid
from pathlib import Path

from letterocr.files import write_json

BEAT_SECONDS = 5.0
DEAD_SECONDS = 120.0


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
        return file.read().strip()
    return ""


def _system() -> str:
    """This machine since it was started, and which of its process number spaces."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return f"{socket.gethostname()} {_read('/proc/sys/kernel/random/boot_id')} {space}"


def _started(pid: int) -> str:
    """Start time of a living process, so that a number that was given again is not mistaken; empty if it is dead."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


class Presence:
    """Shows this process as a living worker of the study while it is entered.

    Args:
        folder: of the study.

    Attributes:
        name: of the worker.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "workers"
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._left = threading.Event()

    @property
    def path(self) -> Path:
        """Of its file."""
        return self.folder / f"{self.name}.json"

    def __enter__(self) -> Presence:
        facts = {"system": _system(), "pid": os.getpid(), "started": _started(os.getpid())}
        write_json(self.path, facts | {"job": os.environ.get("SLURM_JOB_ID", "")})
        self._beat = threading.Thread(target=self._keep, daemon=True, name="presence")
        self._beat.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._left.set()
        self._beat.join()
        self.path.unlink(missing_ok=True)

    def _keep(self) -> None:
        while not self._left.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def alive(self, name: str) -> bool:
        """Whether the worker of that name still works."""
        path = self.folder / f"{name}.json"
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            if facts["system"] == _system() and facts["started"]:
                return _started(facts["pid"]) == facts["started"]
            os.utime(self.path)  # by the clock of the file system
            return self.path.stat().st_mtime - path.stat().st_mtime < DEAD_SECONDS
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError):
            return True
