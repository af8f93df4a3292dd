"""What names a run: a hash of every field that can change its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from letterocr.config.data import SourceConfig
from letterocr.config.model.network import NetworkConfig, imply_kind
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.train import TrainConfig


def to_plain(config: TrainConfig | NetworkConfig | SourceConfig | MethodConfig) -> dict[str, Any]:
    """The config as plain dictionaries, as it is stored in the run folder."""
    return asdict(config)


def select_identity(config: TrainConfig) -> dict[str, Any]:
    """The config as plain dictionaries, less what does not tell runs apart.

    Left out are the fields that can't change the result, and those that stored runs may not have, where they say what
    those runs did: the fields marked `added` at their defaults, and the kind of network that the name implies.
    """
    kept = to_plain(config)
    _drop_fields(config, kept)
    if config.model.kind == imply_kind(config.model.name):
        del kept["model"]["kind"]
    if kept["data"].get("path"):
        kept["data"]["path"] = str(Path(kept["data"]["path"]).expanduser().resolve())
    return kept


def compute_identity(config: TrainConfig) -> str:
    """Twelve hex digits that name the run: a hash of every field that can change the result."""
    plain = json.dumps(select_identity(config))
    kept = json.loads(plain, parse_float=_parse_number)  # learning_rate=1.0 is learning_rate=1
    return hash_facts(kept)


def hash_facts(facts: Any) -> str:
    """Twelve hex digits that name what can be written as JSON, whatever the order of its names."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _drop_fields(config: Any, kept: dict[str, Any]) -> None:
    for f in fields(config):
        value = getattr(config, f.name)
        if f.metadata["runtime"] or (f.metadata["added"] and value == _find_default(f)):
            del kept[f.name]
        elif is_dataclass(value):
            _drop_fields(value, kept[f.name])


def _find_default(f: Field[Any]) -> Any:
    return f.default if f.default_factory is MISSING else f.default_factory()


def _parse_number(text: str) -> float:
    """A whole number is the same number with and without a point."""
    number = float(text)
    return int(number) if number.is_integer() else number
