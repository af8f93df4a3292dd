"""Checkpoints: a safetensors file of every tensor that the run needs, and a small JSON that vouches for it.

The JSON is written last and holds the digest of the tensors, so a checkpoint without it, or one that does
not agree with it, is not whole and is passed over.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from letterocr.base.files import replace_file, write_json

KEPT = 2  # the newest, and the one before in case the newest is damaged


def save(folder: Path, sample: int, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Write the checkpoint of that many samples learned; keep it and the one before.

    One of more samples is removed too: the run went back past it, so it was damaged.
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
    """The newest whole checkpoint: its facts, its tensors, and a sentence for each newer one that is damaged.

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
