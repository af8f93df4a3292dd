"""Atomic files: each one is written under a temporary name, flushed to disk, then renamed.

A reader finds the old file or the whole new one, never a part. Flushing takes a few milliseconds; several files that
are flushed at the same time take little longer than one (`write_together`).
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError

_waiting: ContextVar[dict[Path, Path] | None] = ContextVar("waiting", default=None)
_later: set[Path] = set()


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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if later:
            _later.add(path)
        elif waiting is not None:
            waiting[path] = temporary
            return
        else:
            _bring_to_disk(temporary)
        temporary.replace(path)
    finally:
        if waiting is None or path not in waiting:
            temporary.unlink(missing_ok=True)


def _bring_to_disk(path: Path) -> None:
    with open(path, "rb") as written:
        os.fsync(written.fileno())


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads that flush files; they are kept, as starting one takes as long on a busy machine."""
    return ThreadPoolExecutor(8, "disk")


os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked process does not inherit threads


@contextmanager
def write_together() -> Iterator[None]:
    """Flush all files that are written inside this block at its end, in parallel, then rename them one by one.

    They are renamed in the order in which they were written: write a file that vouches for the others last. If the
    block or the flushing fails, no file is replaced. A nested `write_together` leaves everything to the outer one.
    """
    if _waiting.get() is not None:
        yield
        return
    files: dict[Path, Path] = {}
    token = _waiting.set(files)
    try:
        try:
            yield
        finally:
            _waiting.reset(token)
        if files:
            early = {path for path in _later if path.exists()}
            list(_threads().map(_bring_to_disk, [*early, *files.values()]))
            _later.clear()
        for path, temporary in files.items():
            temporary.replace(path)
    finally:
        for temporary in files.values():
            temporary.unlink(missing_ok=True)


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
        facts = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict):
            raise ValueError("it holds no names and values")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it and give the command again.") from error
    return facts
