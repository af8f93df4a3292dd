"""Which workers of a study are alive, on one machine or on many that share the folder.

Each worker has a file in `workers/` that it touches while it lives; who is dead is decided as for locks (`lock`).
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

from letterocr.base.files import write_json
from letterocr.base.owner import BEAT_SECONDS, Owner, describe_this_process, is_alive


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
        write_json(self.path, asdict(describe_this_process()))
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
            owner = Owner(**json.loads(path.read_text(encoding="utf-8")))
            os.utime(self.path)  # by the clock of the file system
            return is_alive(owner, self.path.stat().st_mtime - path.stat().st_mtime)
        except FileNotFoundError:
            return False
        except (OSError, ValueError, TypeError):
            return True
