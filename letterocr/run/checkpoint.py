"""Checkpoints: a safetensors file with every tensor that a run needs, and a JSON file with its SHA-256 digest.

The JSON file is written last. A checkpoint without a JSON file, or with another digest, is not whole and is skipped.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from letterocr.base.files import replace_file, write_json

KEPT = 2  # checkpoints: the newest, and the one before it in case the newest is damaged


def save(folder: Path, sample: int, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write a checkpoint; keep it and the one before it, and remove all others.

    A checkpoint of more samples is removed too: the run did not resume from it, so it was damaged.

    Args:
        folder: folder of the checkpoints.
        sample: samples learned.
        tensors: state of the engine, by name.
        facts: further entries of the JSON file.
    """
    from safetensors.torch import save as serialise

    data = serialise({name: t.detach().cpu().contiguous() for name, t in tensors.items()})
    path = folder / f"{sample:012d}.safetensors"
    with replace_file(path) as temporary:
        temporary.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    write_json(path.with_suffix(".json"), {"sample": sample, "sha256": digest, **facts})
    older = sorted(p.stem for p in folder.glob("*.json") if p.stem < path.stem)
    kept = [*older[len(older) - KEPT + 1 :], path.stem]
    for other in sorted(folder.glob("[0-9]*")):
        if other.stem not in kept:
            other.unlink()


def load(folder: Path, device: torch.device) -> tuple[dict[str, Any], dict[str, Tensor], list[str]]:
    """Read the newest whole checkpoint.

    Args:
        folder: folder of the checkpoints.
        device: device for the tensors.

    Returns:
        The entries of its JSON file, its tensors by name, and a sentence for each newer checkpoint that is damaged.

    Raises:
        FileNotFoundError: there is no whole checkpoint.
    """
    from safetensors.torch import load as deserialise

    damaged = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            data = path.with_suffix(".safetensors").read_bytes()
            if hashlib.sha256(data).hexdigest() != facts["sha256"]:
                raise ValueError("its digest does not agree")
            tensors = {name: t.to(device) for name, t in deserialise(data).items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            damaged.append(f"The checkpoint {path.stem} is damaged ({error}); the one before it is used.")
            continue
        return facts, tensors, damaged
    raise FileNotFoundError(folder)
