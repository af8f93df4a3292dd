"""Files that are whole or not there: written under a temporary name, brought to disk, then renamed.

A file waits for the disk a few milliseconds; several that wait together take little longer than one (`write_together`).
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
    """A temporary path beside `path` to write to; on success it is on disk and takes the place of `path`.

    Inside `write_together` that happens at its end. With `later` it takes its place at once, and is brought to disk
    by the next `write_together`: for a file that can be written anew until then.
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
    """They wait for the disk; kept, as starting one takes as long on a busy machine."""
    return ThreadPoolExecutor(8, "disk")


os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked process has none of them


@contextmanager
def write_together() -> Iterator[None]:
    """Files written inside are brought to disk at its end, side by side, and then take their places one by one.

    They do so in the order in which they were written, so that one that vouches for the others comes after them. If
    anything fails, none of them takes its place. Inside another `write_together` it leaves everything to that.
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
    """Replace the text file as a whole; `later` as for `replace_file`."""
    with replace_file(path, later) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, later: bool = False) -> None:
    """Replace the JSON file as a whole; `later` as for `replace_file`."""
    write_text(path, json.dumps(value, indent=2) + "\n", later)


def read_json(path: Path) -> dict[str, Any]:
    """Names and values of a JSON file; empty if it is not there.

    Raises:
        UserError: it is damaged.
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
