"""One seed, and from it a separate random stream for each purpose, by name."""

from __future__ import annotations

import hashlib

import torch


def make_generator(seed: int, *name: str | int) -> torch.Generator:
    """A CPU generator that depends on the seed and the name only: changing one stream leaves the others."""
    digest = hashlib.sha256("/".join(map(str, (seed, *name))).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
