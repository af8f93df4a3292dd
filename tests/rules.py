"""Random rules in files, for the tests of the learned optimizers."""

from __future__ import annotations

from pathlib import Path

import torch

from letterocr.optimizers.learned import learned, learned_factored, rule_file

SHAPES = {"learned": learned.SHAPES, "learned_factored": learned_factored.SHAPES}
COST = {"meta_steps": 3, "optimizee_updates": 60, "seconds": 1.5}


def random_rule(which: str, seed: int = 0) -> dict[str, torch.Tensor]:
    """Parameters whose outputs are of the order of 1."""
    generator = torch.Generator().manual_seed(seed)
    return {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in SHAPES[which].items()}


def write_rule(path: Path, which: str, seed: int = 0) -> str:
    rule_file.write(path, random_rule(which, seed), {"which": which, **COST})
    return str(path)
