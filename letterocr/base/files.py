"""Atomic files: each one is written under a temporary name, flushed to disk, then renamed, and its folder is flushed.

A reader finds the old file or the whole new one, never a part, also after a power failure: until a folder is flushed,
the disk may hold any of its new names and lack any other. Flushing takes a few milliseconds; several files that are
flushed at the same time take little longer than one (`write_together`).
"""

from __future__ import annotations

import errno
import functools
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.base.untrusted import read_json_facts

NO_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.ENOENT)  # of a folder, not a failure
STALE_TRIES = 3


@dataclass
class _Block:
    """What waits for the end of a `write_together`."""

    temporaries: dict[Path, Path] = field(default_factory=dict)  # by the file whose place they take
    groups: list[list[Path]] = field(default_factory=lambda: [[]])  # the last file of each vouches for the others
    removed: list[Path] = field(default_factory=list)


_waiting: ContextVar[_Block | None] = ContextVar("waiting", default=None)
_later: set[Path] = set()
_named: set[tuple[Path, int]] = set()  # folders whose own names are on disk, with their inodes


@contextmanager
def replace_file(path: Path, later: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it is flushed to disk and takes the place of `path`.

    Inside `write_together` both happen at the end of that block.

    Args:
        path: the file to replace; missing parent folders are made.
        later: rename at once and leave the flushing to the next `write_together`. This is for a file that can be
            written again if it is lost before then.
    """
    waiting = _waiting.get()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not only the process number, which containers that share the folder may have in common.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        if later:
            _later.add(path)
        elif waiting is not None:
            waiting.temporaries[path] = temporary
            waiting.groups[-1].append(path)
            return
        else:
            _bring_to_disk(temporary)
        _give_name(temporary, path)
        if not later:
            flush_folders([path])
    finally:
        if waiting is None or path not in waiting.temporaries:
            temporary.unlink(missing_ok=True)


def _bring_to_disk(path: Path) -> None:
    with open(path, "rb") as written:
        os.fsync(written.fileno())


def flush_folders(files: Iterable[Path]) -> None:
    """Bring the names of these files to disk, present or removed, and those of the folders that hold them."""
    folders, new = set(), set()
    for folder in {Path(os.path.abspath(path.parent)) for path in files}:
        folders.add(folder)
        while folder != folder.parent and (folder, folder.stat().st_ino) not in _named:
            new.add((folder, folder.stat().st_ino))
            folder = folder.parent
            folders.add(folder)
    list(_threads().map(_flush_folder, sorted(folders)))
    _named.update(new)


def _flush_folder(folder: Path) -> None:
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        if error.errno not in NO_FLUSH:
            raise


def remove_file(path: Path) -> None:
    """Remove a file; inside `write_together`, once the new files have their names on disk."""
    waiting = _waiting.get()
    if waiting is not None:
        waiting.removed.append(path)
    else:
        path.unlink(missing_ok=True)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads that flush files; they are kept, as starting one takes as long on a busy machine."""
    return ThreadPoolExecutor(8, "disk")


os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked process does not inherit threads


@contextmanager
def write_together(check: Callable[[], None] | None = None) -> Iterator[None]:
    """Flush all files that are written inside this block at its end, in parallel, then rename them one by one.

    The last file of a block vouches for the others: it is renamed when their names are on disk. If the block or the
    flushing fails, no file is replaced. A nested `write_together` leaves everything to the outer one, where its last
    file vouches for those before it.

    Args:
        check: called directly before files are renamed or removed; what it raises keeps them from it.
    """
    outer = _waiting.get()
    if outer is not None:
        yield
        outer.groups.append([])
        return
    block = _Block()
    token = _waiting.set(block)
    try:
        try:
            yield
        finally:
            _waiting.reset(token)
        if block.temporaries:
            early = {path for path in _later if path.exists()}
            list(_threads().map(_bring_to_disk, [*early, *block.temporaries.values()]))
            _later.clear()
        for group in block.groups:
            for files in (group[:-1], group[-1:]):
                _rename(files, block.temporaries, check)
        if block.removed and check:
            check()
        for path in block.removed:
            path.unlink(missing_ok=True)
    finally:
        for temporary in block.temporaries.values():
            temporary.unlink(missing_ok=True)


def _rename(files: list[Path], temporaries: dict[Path, Path], check: Callable[[], None] | None) -> None:
    if not files:
        return
    if check:
        check()
    for path in files:
        _give_name(temporaries[path], path)
    flush_folders(files)


def _give_name(temporary: Path, path: Path) -> None:
    number = temporary.stat().st_ino
    try:
        temporary.replace(path)
    except FileNotFoundError:  # NFS may repeat a rename that was done, and then find no such file
        if path.stat().st_ino != number:
            raise


def write_text(path: Path, text: str, later: bool = False) -> None:
    """Replace a text file as a whole.

    Args:
        path: the file to replace.
        text: its new content, written as UTF-8.
        later: as in `replace_file`.
    """
    with replace_file(path, later) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, later: bool = False) -> None:
    """Replace a JSON file as a whole.

    Args:
        path: the file to replace.
        value: anything that `json.dumps` accepts.
        later: as in `replace_file`.
    """
    write_text(path, json.dumps(value, indent=2) + "\n", later)


def read_json(path: Path) -> dict[str, Any]:
    """Read the names and values of a JSON file; return an empty dictionary if there is no such file.

    Raises:
        UserError: the file can't be read, or holds something other than names and values.
    """
    try:
        return _read_facts(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it and give the command again.") from error


def _read_facts(path: Path) -> dict[str, Any]:
    for _ in range(STALE_TRIES):
        try:
            return read_json_facts(path)
        except OSError as error:  # another machine replaced it after it was opened on NFS
            if error.errno != errno.ESTALE:
                raise
    return read_json_facts(path)
