"""Random number generators: one seed gives a separate stream for each purpose, chosen by name."""

from __future__ import annotations

import hashlib

import torch


def make_generator(seed: int, *name: str | int) -> torch.Generator:
    """Make a CPU generator that depends only on the seed and the name: a change of one stream leaves the others.

    Args:
        seed: seed of the run, or of the letters.
        name: the purpose, in one or several parts, such as `"weights", 0`.
    """
    digest = hashlib.sha256("/".join(map(str, (seed, *name))).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
