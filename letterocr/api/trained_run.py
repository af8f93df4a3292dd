"""A run as an object: its curve, its networks, its pictures; made by `letterocr.fit` and `letterocr.load`.

Shapes: R networks side by side; weights [R, out, in]; images [N, 900].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from letterocr.api.learning_curve import LearningCurve, copy_curve
from letterocr.api.reading import Reading, read_picture
from letterocr.base.errors import UserError
from letterocr.base.files import read_json
from letterocr.compose import registry
from letterocr.compose.build import list_replica_seeds
from letterocr.compose.stored_config import read_config
from letterocr.config.train import TrainConfig
from letterocr.data.ink import BOX
from letterocr.data.letters import ALPHABET
from letterocr.models.chain import Network
from letterocr.optimizers.optimizer import select_state
from letterocr.run import checkpoint
from letterocr.run.curve import Curve, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Run:
    """One run, finished or not.

    Attributes:
        config: every field of the run.
        status: `finished`, `diverged`, or `unfinished`.
        network: the R networks: `weights`, a list of [R, out, in]; `biases`, a list of [R, out] or None;
            `forward(images)`, every layer's activations for images [N, 900], the outputs last.
        alphabet: the characters that the outputs stand for.
        box: pixels of the longer side of the ink in the training letters; pictures are drawn as large.
        folder: the run folder; None for a run in memory.
        seconds: spent on learning.
        notes: sentences on what to mind.

    Example:
        >>> import letterocr
        >>> run = letterocr.fit(model="two_layer", data__train_per_letter=2, samples=50)
        >>> run.curve.test_error.shape, len(run.network.weights)
        ((51, 1), 1)
    """

    config: TrainConfig
    status: str
    network: Network
    alphabet: str
    box: int
    folder: Path | None
    seconds: float
    notes: tuple[str, ...]
    _read_curve: Callable[[], Curve]

    @cached_property
    def _curve(self) -> Curve:
        return self._read_curve()

    @property
    def curve(self) -> LearningCurve:
        """Loss and errors after every sample so far."""
        return copy_curve(self._curve)

    @property
    def sample(self) -> int:
        """Samples learned so far."""
        return self._curve.sample

    @property
    def test_error(self) -> float:
        """The newest fraction of test letters that are misread, the median of the networks; 1 if all diverged."""
        return 1.0 if self.status == "diverged" else self._curve.last_error()

    @property
    def summary(self) -> Summary:
        """Final and best test error, and how many samples it took to 50, 20 and 10 %."""
        return self._curve.summary(self.seconds)

    def cut_part(self, start: int) -> Part:
        """What was learned after that many samples."""
        curve, rows = self._curve, slice(start + 1, self.sample + 1)
        return Part(np.arange(rows.start, rows.stop), curve.loss[rows], curve.test_error[rows], self)

    def read(self, picture: Any) -> Reading:
        """Read the letter in a picture with the first network.

        Args:
            picture: the path of a picture file, or an array [H, W], [H, W, 3] or [H, W, 4], or a picture of Pillow;
                of any size, dark on light or light on dark.

        Raises:
            UserError: the picture can't be read, has no ink, or the run diverged.
        """
        self.check_finite()
        return read_picture(self.network, self.alphabet, self.box, picture)

    def check_finite(self) -> None:
        """Raise UserError where the first network diverged, so that it can't read."""
        if not all(bool(w[0].isfinite().all()) for w in self.network.weights):
            where = self.folder or "This run"
            raise UserError(
                f"{where}: the weights are not finite, the run diverged: train with a smaller learning_rate."
            )

    def plot(self, axes: Axes | None = None, label: str | None = None) -> Axes:
        """Draw the test error against the samples learned: the median of the networks, and their quartiles as a band.

        Args:
            axes: of Matplotlib, where to draw; None: those of `matplotlib.pyplot.gca()`.
            label: for the legend; None: model, rule and learning rate.

        Returns:
            The axes.
        """
        from letterocr.figures.error_curves import draw_band, label_error_axes

        if axes is None:
            from matplotlib import pyplot

            axes = pyplot.gca()
        draw_band(axes, *self._curve.measured(), label or self._describe())
        label_error_axes(axes)
        return axes

    def _describe(self) -> str:
        config = self.config
        return f"{config.model.name}, {config.rule} rule, learning rate {config.learning_rate}"

    def __repr__(self) -> str:
        """What the run is and what it came to, in one line."""
        where = f", {self.folder}" if self.folder else ""
        error = f"test error {100 * self.test_error:.1f} %" if math.isfinite(self.test_error) else "no test error"
        return f"<Run: {self._describe()}, {self.sample:,} samples, {self.status}, {error}{where}>"

    def _repr_html_(self) -> str:
        """The run in a notebook: a table and its curve."""
        from letterocr.api.run_card import make_run_card

        return make_run_card(self)


@dataclass(frozen=True, eq=False)
class Part:
    """What was learned in one step of `iterate`.

    Attributes:
        samples: [n], samples learned: 1 after the first one.
        loss: [n, R], the loss of each sample before its update.
        test_error: [n, R], the fraction of test letters misread after the update; NaN where it was not measured.
        run: the run so far; its networks go on learning in the next step.
    """

    samples: np.ndarray
    loss: np.ndarray
    test_error: np.ndarray
    run: Run


def load(folder: str | Path) -> Run:
    """Load a run from its folder, also one that is unfinished or being trained: as its newest whole checkpoint is.

    Args:
        folder: the run folder that `letterocr train` printed.

    Raises:
        UserError: the folder is no run folder, is damaged, or has no whole checkpoint that fits its config.

    Example:
        >>> load("outputs/none")
        Traceback (most recent call last):
        letterocr.base.errors.UserError: outputs/none is no run folder: it has no config.yaml. ...
    """
    folder = Path(folder).expanduser()
    config = read_config(folder)
    start = read_json(folder / "environment.json")
    alphabet = str(start.get("alphabet", ALPHABET))  # old folders do not say it
    status, seconds = "unfinished", 0.0
    if (folder / "result.json").exists():
        result = read_json(folder / "result.json")
        status, seconds = str(result.get("status", "finished")), float(result.get("seconds", 0.0))
    network, sample = _load_network(folder, config, len(alphabet))
    box = int(start.get("box", BOX))
    return Run(config, status, network, alphabet, box, folder, seconds, (), lambda: _load_curve(folder, config, sample))


def _load_curve(folder: Path, config: TrainConfig, sample: int) -> Curve:
    """The curve up to that many samples."""
    curve = Curve(config.samples, config.replicas)
    try:
        curve.load(folder / "curve.parquet", sample)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{folder / 'curve.parquet'} is missing or damaged: train the run anew.") from error
    return curve


def _load_network(folder: Path, config: TrainConfig, classes: int) -> tuple[Network, int]:
    """The networks whose test error counts, as in the newest whole checkpoint, and the samples that they learned."""
    cpu = torch.device("cpu")
    initialise = registry.find_model(config.model).load()
    network: Network = initialise(config.model, list_replica_seeds(config), getattr(torch, config.dtype), cpu, classes)
    try:
        facts, tensors, _ = checkpoint.load(folder / "checkpoints", cpu)
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no whole checkpoint: train it first.") from error
    trained = {name: t.shape for name, t in tensors.items() if name.startswith(("weight.", "bias."))}
    if trained != {name: t.shape for name, t in network.state().items()}:
        raise UserError(f"{folder}: the checkpoint does not fit config.yaml, which was changed: undo that.")
    network.load_state(tensors)
    optimizer = registry.find_optimizer(config.optimizer).load()
    for r in range(network.replicas):
        evaluated = optimizer.find_evaluation_tensors(select_state(tensors, r))
        if evaluated:
            network.replica(r).load_state(evaluated)
    return network, int(facts["sample"])
