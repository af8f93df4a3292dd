"""Reader of a sweep's run folders: two small files for each, thousands in seconds; curves are not read."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.base.untrusted import MOST_YAML, parse_yaml, read_json_facts, read_plain
from letterocr.compose.stored_config import select_settings
from letterocr.config.label import Value, flatten

OVER = ("finished", "diverged")
FIELD = re.compile(rb"^(?=[A-Za-z_]\w*:)", re.MULTILINE)  # where a field of the outermost level begins
INDENT = re.compile(rb"^  ", re.MULTILINE)
CHOICES = (b"model:", b"data:", b"optimizer:")  # blocks of the choices, which have fields of their own
NUMBER = re.compile(rb"(\w+): ((?:0|[1-9]\d*)(?:\.\d+)?)\n")


@dataclass(frozen=True)
class RunRecord:
    """One run folder.

    Attributes:
        path: path of the folder.
        fields: the config's fields that distinguish runs, flat; lists and null as JSON text.
        state: finished, diverged, failed, unfinished or damaged.
        reason: why the state is neither finished nor diverged, or empty.
        result: content of `result.json`; empty unless finished or diverged.
    """

    path: Path
    fields: dict[str, Value]
    state: str
    reason: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether the run has a result."""
        return self.state in OVER

    @functools.cached_property
    def setting(self) -> tuple[tuple[str, Value], ...]:
        """The fields without the seed: two runs with the same setting differ in nothing else."""
        return tuple((name, value) for name, value in sorted(self.fields.items()) if name != "seed")


def read_sweep(folder: Path) -> list[RunRecord]:
    """Read every run folder below `folder`, ordered by path.

    Raises:
        OSError: `folder` itself cannot be read.
    """
    return [read_run(path) for path in sorted(_find_run_folders(str(folder)), key=lambda path: path.split(os.sep))]


def find_runs(folder: Path) -> list[RunRecord]:
    """Find the runs in a folder, at any depth.

    Raises:
        UserError: the folder can't be read, or holds no runs.
    """
    try:
        runs = read_sweep(folder)
    except OSError as error:
        raise UserError(f"{folder} can't be read ({error.strerror}): give the folder that holds the runs.") from error
    if not runs:
        raise UserError(f"{folder} holds no run folder: give the folder that train or search wrote to.")
    return runs


def _find_run_folders(folder: str) -> Iterator[str]:
    """Yield the folders with a config, or with a failure that came before the config; they are not searched inside."""
    left = [folder]
    while left:
        with os.scandir(left.pop()) as entries:
            listed = list(entries)
        if any(entry.name in ("config.yaml", "failure.json") for entry in listed):
            yield os.path.dirname(listed[0].path)
            continue
        left += [e.path for e in listed if e.is_dir(follow_symlinks=False) and not e.name.startswith(".")]


def read_run(folder: str | Path) -> RunRecord:
    """Read one run folder, whatever state it is in."""
    path = Path(folder)
    fields: dict[str, Value] = {}
    try:
        fields = _read_config(f"{folder}/config.yaml")
        result = _read_json(f"{folder}/result.json")
        if result is not None:
            _check(result)
            return RunRecord(path, fields, result["status"], result=result)
        failure = _read_json(f"{folder}/failure.json")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return RunRecord(path, fields, "damaged", " ".join(str(error).split()) or type(error).__name__)
    if failure is not None:
        return RunRecord(path, fields, "failed", " ".join(str(failure.get("reason", "unknown")).split()))
    at = sorted(p.stem for p in path.glob("checkpoints/*.json"))
    return RunRecord(path, fields, "unfinished", f"checkpoint at sample {int(at[-1]):,}" if at else "no checkpoint yet")


def _read_config(path: str) -> dict[str, Value]:
    try:
        return _read_settings(read_plain(path, MOST_YAML))
    except FileNotFoundError:  # it failed before there was a config
        return {}
    except ValueError as error:
        raise ValueError(f"config.yaml: {error}") from error
    except RecursionError as error:
        raise ValueError("config.yaml: it is nested too deeply") from error


def _read_settings(text: bytes) -> dict[str, Value]:
    """Return the fields that distinguish runs, flat, from a stored config; each block is read once for all runs."""
    head, *blocks = FIELD.split(text)
    if head or not blocks:  # not written by letterocr
        stored = parse_yaml(text)
        if not isinstance(stored, dict):
            raise ValueError("config.yaml: it holds no fields")
        return flatten(select_settings(stored))
    choices = b"".join(block for block in blocks if block.startswith(CHOICES))  # they decide which fields they have
    found: dict[str, Value] = {}
    for block in blocks:
        found |= _read_block(block, choices if block.startswith(CHOICES) else block)
    return found


@functools.lru_cache(1 << 16)
def _read_block(block: bytes, context: bytes) -> dict[str, Value]:
    """Return the flat fields of one block among those of `context`, which has this block."""
    kept = select_settings(parse_config(context))
    return flatten({name: kept[name] for name in _parse_field(block) if name in kept})


def parse_config(text: bytes) -> Any:
    """Parse a stored config, field by field, as most fields of a sweep's runs are the same and are parsed once.

    Args:
        text: content of `config.yaml`.
    """
    head, *blocks = FIELD.split(text)
    if head or not blocks:  # not written by letterocr
        return parse_yaml(text)
    found: dict[str, Any] = {}
    for block in blocks:
        found |= _parse_field(block)
    return found


@functools.lru_cache(1 << 16)
def _parse_field(block: bytes) -> Any:
    """Parse one field with its name, a number without YAML; a group of fields is parsed field by field."""
    if number := NUMBER.fullmatch(block):
        name, digits = number.groups()
        return {name.decode(): float(digits) if b"." in digits else int(digits)}
    name, _, rest = block.partition(b":\n")
    head, *inner = FIELD.split(INDENT.sub(b"", rest)) if rest.startswith(b"  ") else [rest]
    if head or not inner:
        return parse_yaml(block)
    return {name.decode(): {key: value for part in inner for key, value in _parse_field(part).items()}}


def _read_json(path: str) -> dict[str, Any] | None:
    try:
        return read_json_facts(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{os.path.basename(path)}: {error}") from error


def _check(result: dict[str, Any]) -> None:
    if result.get("status") not in OVER:
        raise ValueError(f"result.json: status={result.get('status')} is neither finished nor diverged")
    for name in ("error", "best_error", "samples", "seconds"):
        if isinstance(result.get(name), bool) or not isinstance(result.get(name), int | float):
            raise ValueError(f"result.json: {name}={result.get(name)} is not a number")
    for name in ("reached", "networks"):
        if not isinstance(result.get(name, {}), dict):
            raise ValueError(f"result.json: {name} is not a table")
