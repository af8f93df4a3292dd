"""The identity of a run: a hash of every field that can change its result."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields
from typing import Any

from letterocr.base.home import expand_path
from letterocr.config.data import SourceConfig
from letterocr.config.model.network import NetworkConfig, imply_kind
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.train import TrainConfig


def to_plain(config: TrainConfig | NetworkConfig | SourceConfig | MethodConfig) -> dict[str, Any]:
    """Return a config as plain dictionaries, as it is stored in the run folder."""
    return asdict(config)


def select_identity(config: TrainConfig) -> dict[str, Any]:
    """Return the fields that tell runs apart, as plain dictionaries.

    Left out are the fields that can't change the result. Left out as well are fields that older stored runs may lack,
    if they say what those runs did: the fields marked `added` at their defaults, and the kind of network that the
    name implies.
    """
    kept = drop_implied(to_plain(config), type(config.model), type(config.data), type(config.optimizer))
    if kept["data"].get("path"):
        kept["data"]["path"] = str(expand_path(kept["data"]["path"]).resolve())
    return kept


def drop_implied(
    stored: Mapping[str, Any], model: type[NetworkConfig], data: type[SourceConfig], optimizer: type[MethodConfig]
) -> dict[str, Any]:
    """Return a stored config without the fields that `select_identity` leaves out, whatever its age.

    Args:
        stored: the config as plain dictionaries; fields may be missing.
        model: config dataclass of its network.
        data: config dataclass of its letters.
        optimizer: config dataclass of its optimizer.
    """
    kept = _drop_fields(TrainConfig, stored)
    for name, schema in (("model", model), ("data", data), ("optimizer", optimizer)):
        if isinstance(kept.get(name), dict):
            kept[name] = _drop_fields(schema, kept[name])
    network = kept.get("model")
    if isinstance(network, dict) and network.get("kind") == imply_kind(str(network.get("name"))):
        del network["kind"]
    return kept


def compute_identity(config: TrainConfig) -> str:
    """Compute the name of a run: twelve hexadecimal digits, a hash of every field that can change its result."""
    plain = json.dumps(select_identity(config))
    kept = json.loads(plain, parse_float=_parse_number)  # learning_rate=1.0 and learning_rate=1 are the same run
    return hash_facts(kept)


def hash_facts(facts: Any) -> str:
    """Compute twelve hexadecimal digits from any value that JSON can hold; the order of names does not matter."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _drop_fields(schema: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of one config dataclass that tell runs apart."""
    marked = _list_marked(schema)
    return {
        name: value
        for name, value in stored.items()
        if name not in marked or not (marked[name].metadata["runtime"] or value == _find_default(marked[name]))
    }


@functools.cache
def _list_marked(schema: Any) -> dict[str, Field[Any]]:
    """Return the fields that can't change the result, and those marked `added`."""
    return {f.name: f for f in fields(schema) if f.metadata["runtime"] or f.metadata["added"]}


def _find_default(f: Field[Any]) -> Any:
    return f.default if f.default_factory is MISSING else f.default_factory()


def _parse_number(text: str) -> float:
    """Parse a JSON number; a whole number becomes the same int with and without a decimal point."""
    number = float(text)
    return int(number) if number.is_integer() else number
