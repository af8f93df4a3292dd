"""Run object that `letterocr.fit` and `letterocr.load` return: its config, curve and networks; it reads pictures.

Shapes: R networks side by side; weights [R, out, in]; images [N, 900].
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from letterocr.api.learning_curve import LearningCurve, copy_curve
from letterocr.api.reading import Reader, Reading
from letterocr.base.browser import open_page
from letterocr.base.errors import UserError
from letterocr.base.files import read_json
from letterocr.base.home import expand_path
from letterocr.compose import registry
from letterocr.compose.defaults import label_alone
from letterocr.compose.stored_config import read_config
from letterocr.config.train import TrainConfig
from letterocr.data.ink import BOX
from letterocr.data.letters import ALPHABET, Split, describe_alphabet
from letterocr.matrix.familiarity import Familiarity, load_familiarity
from letterocr.models.chain import Network
from letterocr.run.curve import Curve, Summary
from letterocr.run.divergence import has_finite_weights
from letterocr.run.folder import FAMILIARITY
from letterocr.run.stored_network import load_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Run:
    """One run, finished or not.

    Attributes:
        config: every field of the run.
        status: `finished`, `diverged`, or `unfinished`.
        sample: samples learned.
        network: the R networks: `weights`, a list of [R, out, in]; `biases`, a list of [R, out] or None;
            `forward(images)` returns the activations of every layer for images [N, 900], the outputs last.
        alphabet: the characters that the outputs stand for.
        box: longer side of the ink, in pixels, in the training letters; pictures to read are scaled to it.
        folder: the run folder; None for a run in memory.
        seconds: training time.
        notes: sentences for the user, such as a warning about the learning rate.

    Example:
        >>> import letterocr
        >>> run = letterocr.fit(model="two_layer", data__train_per_letter=2, samples=50)
        >>> run.curve.test_error.shape, len(run.network.weights)
        ((51, 1), 1)
    """

    config: TrainConfig
    status: str
    sample: int
    network: Network
    alphabet: str
    box: int
    folder: Path | None
    seconds: float
    notes: tuple[str, ...]
    _read_curve: Callable[[], Curve]
    _find_letters: Callable[[], Split]
    _find_familiarity: Callable[[], Familiarity | None] = lambda: None

    @cached_property
    def _curve(self) -> Curve:
        """The curve up to this sample, whatever is learned later."""
        curve = copy(self._read_curve())
        curve.sample = self.sample
        return curve

    @property
    def curve(self) -> LearningCurve:
        """Loss and errors after every sample so far."""
        return copy_curve(self._curve)

    @property
    def test_error(self) -> float:
        """Latest fraction of the test letters that are misread, the median of the networks; 1 if all diverged."""
        return 1.0 if self.status == "diverged" else self._curve.last_error()

    @property
    def summary(self) -> Summary:
        """Final and best test error, and the samples learned when it first reached 50, 20 and 10 %."""
        return self._curve.summary(self.seconds)

    def cut_part(self, start: int) -> Part:
        """Return what was learned after the first `start` samples."""
        curve, rows = self._curve, slice(start + 1, self.sample + 1)
        return Part(np.arange(rows.start, rows.stop), curve.loss[rows], curve.test_error[rows], self)

    @cached_property
    def reader(self) -> Reader:
        """The first network with what reading needs beside it."""
        return Reader(self.network, self.alphabet, self.box, self._find_familiarity())

    @cached_property
    def letters(self) -> Split:
        """The letters of the run, to train and to test; they are read again from their source.

        Raises:
            UserError: the source can't be read.
        """
        return self._find_letters()

    def read(self, picture: Any, one: bool = False) -> Reading:
        """Read the letters in a picture with the first network.

        Args:
            picture: the path of a picture file, an array [H, W], [H, W, 3] or [H, W, 4], or a Pillow image; of any
                size, dark on light or light on dark; or a letter [900] in 0..1 with ink 1, which is read as it is.
            one: whether all ink in the picture is one letter, whatever it looks like.

        Returns:
            The letters in lines from the top, left to right; none, with the reason, if there is nothing like a letter.

        Raises:
            UserError: the picture can't be read, or the run diverged.
        """
        self.check_finite()
        return self.reader.read(picture, one)

    def check_finite(self) -> None:
        """Raise UserError if the first network diverged, so that it can't read."""
        if self.status == "diverged" or not has_finite_weights(self.network, 0):
            where = self.folder or "This run"
            raise UserError(f"{where} diverged, so it can't read letters: train it with a smaller learning_rate.")

    def plot(self, axes: Axes | None = None, label: str | None = None) -> Axes:
        """Draw the test error against the samples learned: the median of the networks, and their quartiles as a band.

        Args:
            axes: Matplotlib axes to draw on; None: `matplotlib.pyplot.gca()`.
            label: label in the legend; None: the label of the run.

        Returns:
            The axes.
        """
        from letterocr.figures.error_curves import draw_band, label_error_axes

        if axes is None:
            from matplotlib import pyplot

            axes = pyplot.gca()
        draw_band(axes, *self._curve.measured(), label or textwrap.fill(label_alone(self.config), 40))
        label_error_axes(axes)
        return axes

    def play(self, output: str | Path | None = None) -> Path:
        """Write a page on which one draws letters and watches this network read and learn; open it in the browser.

        Args:
            output: the page; None: `play.html` in the run folder, or in this folder for a run in memory.

        Returns:
            The path of the page, one HTML file that needs no network.

        Raises:
            UserError: the network is no chain of weight matrices, or the letters of the run can't be read.
        """
        from letterocr.api.playing import write_play_page

        path = (self.folder or Path()) / "play.html" if output is None else expand_path(output)
        open_page(write_play_page([self], path))
        return path

    def __repr__(self) -> str:
        """Return the settings and the test error of the run in one line."""
        where = f", {self.folder}" if self.folder else ""
        error = f"test error {100 * self.test_error:.1f} %" if math.isfinite(self.test_error) else "no test error"
        state = f"{self.status} after {self.sample:,} samples"
        return f"<Run: {label_alone(self.config)}; {state}, {error}{where}>"

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows: a table and the error curve."""
        from letterocr.api.run_card import make_run_card

        return make_run_card(self)


@dataclass(frozen=True, eq=False)
class Part:
    """What was learned in one step of `iterate`.

    Attributes:
        samples: [n], samples learned after each update; 1 after the first update.
        loss: [n, R], loss of each sample before its update.
        test_error: [n, R], fraction of the test letters that are misread after the update; NaN where not measured.
        run: the run so far. The next step changes its networks in place, so copy what you want to keep.
    """

    samples: np.ndarray
    loss: np.ndarray
    test_error: np.ndarray
    run: Run

    def __repr__(self) -> str:
        return f"<Part: samples {self.samples[0]:,} to {self.samples[-1]:,} of {self.run!r}>"


def load(folder: str | Path) -> Run:
    """Load a run from its folder.

    A run that is unfinished, or that another process trains, is loaded at its newest whole checkpoint.

    Args:
        folder: the run folder that `letterocr train` printed.

    Raises:
        UserError: the folder is not a run folder, is damaged, or has no whole checkpoint that fits its config.

    Example:
        >>> load("outputs/none")
        Traceback (most recent call last):
        letterocr.base.errors.UserError: outputs/none (...) is not a run folder: it does not exist. ...
    """
    folder = expand_path(folder)
    config = read_config(folder)
    start = read_json(folder / "environment.json")
    alphabet = str(start.get("alphabet", ALPHABET))  # folders of early versions have none
    status, seconds = "unfinished", 0.0
    if (folder / "result.json").exists():
        result = read_json(folder / "result.json")
        status, seconds = str(result.get("status", "finished")), float(result.get("seconds", 0.0))
    network, sample = load_network(folder, config, len(alphabet))
    box = int(start.get("box", BOX))
    read_curve = partial(_load_curve, folder, config, sample)
    find = partial(_load_letters, folder, config, alphabet), partial(_load_familiarity, folder)
    return Run(config, status, sample, network, alphabet, box, folder, seconds, (), read_curve, *find)


def _load_letters(folder: Path, config: TrainConfig, alphabet: str) -> Split:
    """Read the letters of a run again, after whose alphabet its outputs are named."""
    split = registry.load_letters(config.data)
    if split.train.alphabet != alphabet:
        there, outputs = describe_alphabet(split.train.alphabet), describe_alphabet(alphabet)
        raise UserError(f"{folder} has outputs for {outputs}, but its letters are {there} now: undo the change.")
    return split


def _load_familiarity(folder: Path) -> Familiarity | None:
    """Read what tells letters from other things; None in folders of early versions, where everything is a letter."""
    path = folder / FAMILIARITY
    try:
        return load_familiarity(path) if path.exists() else None
    except KeyError:
        return None
    except Exception as error:  # zipfile and NumPy raise errors of every kind at a damaged file
        raise UserError(f"{path} is damaged: remove it, and everything is taken for letters.") from error


def _load_curve(folder: Path, config: TrainConfig, sample: int) -> Curve:
    """Read the curve up to a number of samples."""
    curve = Curve(config.samples, config.replicas)
    try:
        curve.load(folder / "curve.parquet", sample)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{folder / 'curve.parquet'} is missing or damaged: train the run again.") from error
    return curve
