"""Snapshots of a run (`snapshots=log`): at log-spaced samples what the weights learned, and how the letters are read.

Making them changes neither the weights nor any random stream of the training. `playback` has the format of their file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from letterocr.base.errors import UserError
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.engine.engine import Engine
from letterocr.figures.learned_weights import compute_leading_triplets
from letterocr.figures.pictures import list_worst
from letterocr.run.divergence import Divergence, has_finite_weights
from letterocr.run.letter_parts import MOST_LETTERS, count_confusions
from letterocr.run.playback import load_rows, make_row, save_rows
from letterocr.run.shown_samples import find_next, list_due_samples
from letterocr.run.stored_network import initialise_replica

PER_DECADE = 8  # snapshots for each factor of ten in the samples
TRIPLETS = 6  # of each weight matrix


class Snapshots:
    """Snapshots of one run: of its first network that has not diverged.

    Args:
        config: config of the run.
        split: training and test letters.
        engine: engine of the run; each snapshot falls between two of its blocks.
        folder: the run folder.

    Attributes:
        due: samples learned at each snapshot, increasing.
        rows: the snapshots so far, as in the file.
    """

    def __init__(self, config: TrainConfig, split: Split, engine: Engine, folder: Path) -> None:
        self.config, self.test, self.engine, self.folder = config, split.test, engine, folder
        self.due = list_due_samples(config.samples, engine.block, PER_DECADE)
        self.rows: list[dict[str, np.ndarray]] = []
        self._initial: tuple[int, list[np.ndarray]] | None = None  # a network, and its weights at sample 0

    def load(self) -> list[str]:
        """Read the stored snapshots up to the engine's current sample; return a sentence if they are damaged."""
        try:
            self.rows = [row for row in load_rows(self.folder) if row["sample"] <= self.engine.sample]
        except UserError as error:
            return [f"{error} The snapshots begin again here."]
        return []

    def stop(self, sample: int) -> int:
        """Return the samples learned at the next snapshot after `sample`."""
        return find_next(self.due, sample)

    def look(self, divergence: Divergence) -> None:
        """Make a snapshot and store it, if one is due and a network has not diverged."""
        sample, r = self.engine.sample, divergence.find_finite()
        if sample not in self.due or any(row["sample"] == sample for row in self.rows):
            return
        if r is None or not has_finite_weights(self.engine.network, r):
            return
        outputs = self.engine.test_outputs(r).cpu().double().numpy()
        truth, classes = self.test.labels.numpy(), self.test.classes
        worst = list_worst(outputs, truth, MOST_LETTERS)
        confusion = count_confusions(truth, outputs.argmax(1), classes)
        triplets = [compute_leading_triplets(change, TRIPLETS) for change in self._compute_changes(r)]
        self.rows.append(make_row(sample, r, confusion, worst, outputs[worst], triplets))
        save_rows(self.folder, self.rows)

    def _compute_changes(self, r: int) -> list[np.ndarray]:
        """Return W - W0 of each weight matrix of a network."""
        if self._initial is None or self._initial[0] != r:
            initial = initialise_replica(self.config, self.test.classes, r)
            self._initial = r, [weight.double().numpy() for weight in initial.weights]
        now = [weight[r].cpu().double().numpy() for weight in self.engine.network.weights]
        return [weight - start for weight, start in zip(now, self._initial[1], strict=True)]
