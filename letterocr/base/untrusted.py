"""Reading of files that someone else may have written; JSON and YAML among them.

A file is read only if it is a plain file of a stated size, so that a link to a device, a pipe or a huge file costs
neither time nor memory. What is wrong with a file is a `ValueError`, whatever the parser raises.
"""

from __future__ import annotations

import functools
import json
import os
import stat
from pathlib import Path
from typing import IO, Any

MOST_JSON = 16_000_000  # bytes; the result of a run has about 100 bytes for each network
MOST_YAML = 500_000  # bytes; a config has about 1,500, and 20 for each value of a list
MOST_NODES = 100_000  # of a YAML file whose aliases are replaced by what they stand for


def read_plain(path: str | os.PathLike[str], most: int) -> bytes:
    """Return the content of a plain file.

    Args:
        path: the file; a symbolic link to it works too.
        most: largest size of the file in bytes.

    Raises:
        OSError: the file can't be read.
        ValueError: it is a device, a pipe or a socket, or larger.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise ValueError(f"it has {size:,} bytes, more than the {most:,} that such a file may have")
        return file.read(size)


def open_plain(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a plain file for reading.

    Raises:
        OSError: the file can't be read.
        ValueError: it is a device, a pipe or a socket.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("it is not a plain file")
    return file


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting, as a pipe would until someone writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def describe_writers(folder: Path) -> str:
    """Return a sentence if every user may replace files in a folder or in one above it; empty if not."""
    for place in (folder, *folder.parents):
        mode = place.stat().st_mode if place.exists() else 0
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return (
                f"Every user may write into {place}, and so decide what the jobs of this sweep run: chmod o-w {place}."
            )
    return ""


def read_json_facts(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the names and values of a JSON file.

    Raises:
        OSError: the file can't be read.
        ValueError: it is too large, no JSON, nested too deeply, or holds something other than names and values.
    """
    return parse_json_facts(read_plain(path, MOST_JSON))


def parse_json_facts(data: str | bytes) -> dict[str, Any]:
    """Return the names and values of a JSON text.

    Raises:
        ValueError: it is no JSON, nested too deeply, or holds something other than names and values.
    """
    try:
        facts = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(facts, dict):
        raise ValueError("it holds no names and values")
    return facts


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """Return the content of a YAML file as plain Python values.

    Raises:
        OSError: the file can't be read.
        ValueError: as `parse_yaml`.
    """
    return parse_yaml(read_yaml_text(path))


def read_yaml_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a YAML file, after a check that any parser may read it: not too large, no bomb of aliases.

    Raises:
        OSError: the file can't be read.
        ValueError: it is too large or not UTF-8, or its aliases stand for too much or for themselves.
    """
    text = read_plain(path, MOST_YAML).decode("utf-8")
    if "*" in text and "&" in text:
        _check_aliases(text)
    return text


def parse_yaml(text: str | bytes) -> Any:
    """Return the content of a YAML text as plain Python values; no other object is made.

    Raises:
        ValueError: it is no YAML, or nested too deeply.
    """
    import yaml

    try:
        return yaml.load(text, Loader=_find_loader())
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


@functools.cache
def _find_loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, if PyYAML was built with it


def _check_aliases(text: str) -> None:
    """Raise ValueError if a YAML text has far more nodes once its aliases are replaced, or infinitely many."""
    import yaml

    sizes: dict[int, float] = {}  # nodes below each node; infinite while it is counted

    def count(node: Any) -> float:
        if id(node) not in sizes:
            sizes[id(node)] = float("inf")
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            below = [part for pair in pairs for part in pair] if pairs else node.value
            sizes[id(node)] = 1 + (sum(map(count, below)) if isinstance(node, yaml.CollectionNode) else 0)
        return sizes[id(node)]

    try:
        root = yaml.compose(text, Loader=_find_loader())
        if root is not None and count(root) > MOST_NODES:
            raise ValueError(f"its aliases stand for more than {MOST_NODES:,} values")
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
