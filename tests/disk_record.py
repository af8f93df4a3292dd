"""A record of what a program asks of its disk: files made, written, renamed, linked, removed and flushed, in order.

The calls of `os` are wrapped; before each of them the folder is looked through, so that files that are written by other
libraries (pyarrow, NumPy) are seen, too.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

FOLDER = -1  # stands for the inode of every folder
WRAPPED = ("fsync", "replace", "rename", "unlink", "remove", "link", "mkdir", "rmdir")


@dataclass(frozen=True)
class Names:
    """A change of names in one folder that happens as a whole: the inode of each path, None where it is removed."""

    changes: tuple[tuple[str, int | None], ...]

    @property
    def folder(self) -> str:
        return os.path.dirname(self.changes[0][0])


@dataclass(frozen=True)
class Write:
    """New content of a file."""

    inode: int
    content: bytes


@dataclass(frozen=True)
class Flush:
    """A file (its inode) or a folder (its path) is brought to disk."""

    what: int | str


@dataclass(frozen=True)
class Mark:
    """From here on the program has told its user something."""

    told: object


Step = Names | Write | Flush | Mark


class DiskRecord:
    """The record.

    Args:
        root: the folder; everything below it is recorded, by paths relative to it.

    Attributes:
        steps: what happened, in order.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.steps = root, list[Step]()
        self._names: dict[str, int] = {}
        self._inodes: dict[int, int] = {}  # by the number of the file system, which may be given again
        self._seen: dict[int, tuple[int, int]] = {}
        self._contents: dict[int, bytes] = {}
        self._turn = threading.RLock()

    def mark(self, told: object) -> None:
        """Note that the program has told its user something."""
        with self._turn:
            self._look()
            self.steps.append(Mark(told))

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Record what happens inside the block."""
        with contextlib.ExitStack() as stack:
            for name in WRAPPED:
                stack.enter_context(mock.patch(f"os.{name}", self._wrap(name, getattr(os, name))))
            yield
            self.mark("end")

    def _wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        note = {"replace": self._rename, "rename": self._rename, "remove": self._unlink}.get(name)
        note = note or getattr(self, f"_{name}")

        def wrapped(*arguments: Any, **options: Any) -> Any:
            if options.keys() - {"mode", "follow_symlinks"}:
                return call(*arguments, **options)
            with self._turn:
                self._look()
                before = note(*arguments[:2])
                answer = call(*arguments, **options)
                if before:
                    self.steps.append(before)
                    if isinstance(before, Names):
                        self._apply(before)
                return answer

        return wrapped

    def _locate(self, path: Any) -> str | None:
        absolute = os.path.abspath(os.fspath(path))
        if absolute == str(self.root):
            return ""
        return os.path.relpath(absolute, self.root) if absolute.startswith(f"{self.root}{os.sep}") else None

    def _apply(self, step: Names) -> None:
        for path, inode in step.changes:
            if inode is None:
                self._names.pop(path, None)
            else:
                self._names[path] = inode
        used = set(self._names.values())
        self._inodes = {number: inode for number, inode in self._inodes.items() if inode in used}

    def _look(self) -> None:
        """Find the files that were made or written since the last look."""
        for folder, _, files in os.walk(self.root):
            for file in sorted(files):
                path = os.path.relpath(os.path.join(folder, file), self.root)
                found = os.stat(self.root / path)
                inode = self._inodes.get(found.st_ino)
                if inode is None or path not in self._names:
                    inode = len(self._contents)
                    self._inodes[found.st_ino], self._contents[inode] = inode, b""
                    self.steps.append(Names(((path, inode),)))
                    self._names[path] = inode
                if self._seen.get(inode) != (found.st_mtime_ns, found.st_size):
                    self._seen[inode] = (found.st_mtime_ns, found.st_size)
                    content = (self.root / path).read_bytes()
                    if content != self._contents[inode]:
                        self._contents[inode] = content
                        self.steps.append(Write(inode, content))

    def _fsync(self, number: int, _: object = None) -> Step | None:
        path = self._locate(os.readlink(f"/proc/self/fd/{number}")) if isinstance(number, int) else None
        if path is None:
            return None
        return Flush(path if (self.root / path).is_dir() else self._names[path])

    def _rename(self, source: Any, target: Any) -> Step | None:
        old, new = self._locate(source), self._locate(target)
        assert (old is None) == (new is None), (source, target)
        return Names(((old, None), (new, self._names[old]))) if old and new else None

    def _unlink(self, path: Any, _: object = None) -> Step | None:
        name = self._locate(path)
        return Names(((name, None),)) if name in self._names else None

    _rmdir = _unlink

    def _link(self, source: Any, target: Any) -> Step | None:
        old, new = self._locate(source), self._locate(target)
        return Names(((new, self._names[old]),)) if old and new and new not in self._names else None

    def _mkdir(self, path: Any, _: object = None) -> Step | None:
        name = self._locate(path)
        return Names(((name, FOLDER),)) if name and name not in self._names else None


def record_steps(root: Path, do: Callable[[Callable[[object], None]], None]) -> list[Step]:
    """Return what happens below `root` while `do` is called; it is given `DiskRecord.mark`."""
    disk = DiskRecord(root)
    with disk.recording():
        do(disk.mark)
    return disk.steps
