"""Checkpoints: a safetensors file with every tensor that a run needs, and a JSON file with the SHA-256 digests of both.

The JSON file is written last. A checkpoint without a JSON file, or with another digest, is not whole and is skipped.
Early versions wrote no digest of the JSON file itself.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from letterocr.base.files import remove_file, replace_file, write_json
from letterocr.base.untrusted import read_json_facts, read_plain

PIECE_BYTES = 64_000_000
NAMES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.int32: "I32"}
NAMES |= {torch.bool: "BOOL", torch.uint8: "U8"}
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
    path = folder / f"{sample:012d}.safetensors"
    with replace_file(path) as temporary:
        digest = _write_tensors(temporary, tensors)
    facts = {"sample": sample, "sha256": digest, **facts}
    digests = {"tensors": digest, "facts": _compute_digest(facts)}
    write_json(path.with_suffix(".json"), facts | {"sha256": digests})
    older = sorted(p.stem for p in folder.glob("*.json") if p.stem < path.stem)
    kept = [*older[len(older) - KEPT + 1 :], path.stem]
    for other in sorted(folder.glob("[0-9]*")):
        if other.stem not in kept:
            remove_file(other)


def _compute_digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> str:
    """Write a safetensors file in pieces, so that no second copy of the tensors is made; return its SHA-256 digest."""
    header, end = {}, 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8 bytes
    digest = hashlib.sha256()
    with path.open("wb") as file:
        pieces: Iterator[bytes | memoryview] = itertools.chain([len(text).to_bytes(8, "little"), text], _cut(tensors))
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _cut(tensors: dict[str, Tensor]) -> Iterator[memoryview]:
    """Yield the bytes of the tensors in pieces: the first dimension in parts of at most `PIECE_BYTES`, or one row."""
    for tensor in tensors.values():
        rows = tensor.detach() if tensor.dim() else tensor.detach().view(1)
        size = max(1, PIECE_BYTES // max(1, rows[0].numel() * rows.element_size())) if len(rows) else 1
        for part in rows.split(size):
            if part.numel():
                yield memoryview(part.cpu().contiguous().view(-1).view(torch.uint8).numpy())


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
    damaged = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            facts = _read_facts(path)
            tensors = {name: t.to(device) for name, t in _read_tensors(path, facts["sha256"]).items()}
        except (OSError, ValueError) as error:
            damaged.append(f"The checkpoint {path.stem} is damaged ({error}); the one before it is used.")
            continue
        return facts, tensors, damaged
    raise FileNotFoundError(folder)


def _read_facts(path: Path) -> dict[str, Any]:
    """Read the JSON file of a checkpoint.

    Raises:
        OSError, ValueError: it is damaged, or is that of another checkpoint.
    """
    facts = read_json_facts(path)
    digests = facts.get("sha256")
    if isinstance(digests, dict):
        facts["sha256"] = digests.get("tensors")
        if digests.get("facts") != _compute_digest(facts):
            raise ValueError("its facts do not agree with their digest")
    if str(facts.get("sample")) != str(int(path.stem)):
        raise ValueError("it is that of another sample")
    return facts


def _read_tensors(path: Path, digest: str) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint after a comparison of their digest.

    Raises:
        OSError, ValueError: the file is missing or damaged, or larger than the memory of this machine.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    data = read_plain(path.with_suffix(".safetensors"), memory)
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError("its digest does not agree")
    try:
        return load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
