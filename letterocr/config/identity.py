"""What names a run: a hash of every field that can change its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from letterocr.config.train import TrainConfig


def to_plain(config: Any) -> dict[str, Any]:
    """The config as plain dictionaries, as it is stored in the run folder."""
    return asdict(config)


def _parse_number(text: str) -> float:
    """A whole number is the same number with and without a point."""
    number = float(text)
    return int(number) if number.is_integer() else number


def compute_identity(config: TrainConfig) -> str:
    """Twelve hex digits that name the run: a hash of every field that can change the result."""
    kept = to_plain(config)
    for f in fields(config):
        if f.metadata["runtime"]:
            del kept[f.name]
    if kept["data"].get("path"):
        kept["data"]["path"] = str(Path(kept["data"]["path"]).expanduser().resolve())
    kept = json.loads(json.dumps(kept), parse_float=_parse_number)  # learning_rate=1.0 is learning_rate=1
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]
