"""Diagnostics of a run (`diagnostics=rank`): ranks, angles and curvature at log-spaced samples.

The figures come from `curvature.rank_figures` and go into `diagnostics.parquet`. Measuring them changes neither the
weights nor any random stream of the training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from letterocr.base.parquet import read_columns, write_table
from letterocr.base.randomness import make_generator
from letterocr.compose import registry
from letterocr.compose.build import list_replica_seeds
from letterocr.config.train import TrainConfig
from letterocr.curvature.lanczos import largest_eigenvalue
from letterocr.curvature.products import hessian_product
from letterocr.curvature.rank_figures import compare_printed_with_gradient, spectra
from letterocr.data.letters import Split, one_hot, take_per_letter
from letterocr.engine.engine import Engine
from letterocr.run.shown_samples import find_next, list_due_samples

PER_LETTER = 4  # training letters of each class that angles and curvature are measured on; always the same ones
PER_DECADE = 4  # diagnoses for each factor of ten in the samples


class Diagnostics:
    """Diagnoses of one run, one row for each replica at each diagnosis.

    Args:
        config: config of the run.
        split: training and test letters.
        engine: engine of the run; each diagnosis falls between two of its blocks.
        folder: the run folder.

    Attributes:
        due: samples learned at each diagnosis, increasing.
        rows: the figures so far, by tag.
    """

    def __init__(self, config: TrainConfig, split: Split, engine: Engine, folder: Path) -> None:
        self.config, self.engine, self.path = config, engine, folder / "diagnostics.parquet"
        letters, like = take_per_letter(split.train, PER_LETTER), engine.images
        self.letters = letters.images.to(like)
        self.targets = one_hot(letters.labels.to(like.device), like, letters.classes)
        self.due = list_due_samples(config.samples, engine.block, PER_DECADE)
        self.rows: list[dict[str, Any]] = []

    def load(self) -> list[str]:
        """Read the stored rows up to the engine's current sample; return a sentence if they are damaged."""
        if not self.path.is_file():
            return []
        try:
            columns, _ = read_columns(self.path)
            rows = [
                dict(zip(columns, row, strict=True))
                for row in zip(*(c.tolist() for c in columns.values()), strict=True)
            ]
            self.rows = [row for row in rows if row["sample"] <= self.engine.sample]
        except (OSError, ValueError, KeyError) as error:
            return [f"{self.path} can't be read ({error}): the diagnoses begin again here."]
        return []

    def stop(self, sample: int) -> int:
        """Return the samples learned at the next diagnosis after `sample`."""
        return find_next(self.due, sample)

    @torch.no_grad()
    def look(self, without: dict[int, int]) -> dict[str, np.ndarray]:
        """Diagnose the replicas if a diagnosis is due, and store the figures.

        Args:
            without: replicas that have diverged, which are left out.

        Returns:
            Each figure [replicas diagnosed] by its tag; empty if no diagnosis is due.
        """
        sample = self.engine.sample
        if sample not in self.due or any(row["sample"] == sample for row in self.rows):
            return {}
        like = self.engine.images
        seeds, classes = list_replica_seeds(self.config), self.targets.shape[1]
        initialise = registry.find_model(self.config.model).load()
        initial = initialise(self.config.model, seeds, like.dtype, like.device, classes)
        new = []
        for r in range(self.config.replicas):
            if r in without:
                continue
            network, letters = self.engine.network.replica(r), (self.letters, self.targets, self.config.loss_factor)
            figures = spectra(network, initial.replica(r), self.engine.test_images)
            figures |= compare_printed_with_gradient(network, *letters)
            count = sum(t.numel() for t in network.state().values())
            start = torch.randn(count, generator=make_generator(self.config.seed, "diagnostics")).to(like)
            curvature = largest_eigenvalue(hessian_product(network, *letters), start)
            figures |= {
                "hessian/largest_eigenvalue": curvature,
                "learning_rate/limit": 2 / curvature if curvature > 0 else np.inf,
                "learning_rate/used": float(
                    self.engine.optimizers[r].rate.at(min(sample, self.config.samples - 1), 1)[0]
                ),
            }
            new.append({"sample": sample, "replica": r, **figures})
        self.rows += new
        self._save()
        return {tag: np.array([row[tag] for row in new]) for tag in (new[0] if new else {}) if "/" in tag}

    def _save(self) -> None:
        import pyarrow as pa

        write_table(pa.Table.from_pylist(self.rows), self.path)
