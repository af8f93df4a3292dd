"""Display of a run: a view (terminal or progress bar), and TensorBoard's curves, pictures and figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np

from letterocr.compose.defaults import list_fields
from letterocr.data.letters import PIXELS
from letterocr.figures import pictures
from letterocr.run.curve import Summary
from letterocr.run.learning import Learning
from letterocr.run.shown_samples import select_samples
from letterocr.run.tensorboard import Board

PICTURE_SHARE = 0.03  # largest fraction of the training time that pictures may take during the run


class View(Protocol):
    """Interface of what shows a run to a person: a terminal or a progress bar."""

    def begin(self, title: str, facts: dict[str, str], first_sample: int) -> None:
        """Show the settings of the run, by name; `first_sample` is above 0 if the run is resumed."""

    def update(self, sample: int, train_error: float, test_error: float, seconds: float) -> None:
        """Show the progress of the run.

        Args:
            sample: samples learned.
            train_error: a fraction, NaN if not known.
            test_error: a fraction, NaN if not known.
            seconds: training time so far, without compiling, diagnoses and pictures.
        """

    def message(self, text: str) -> None:
        """Show one sentence."""

    def finish(self, summary: Summary, folder: Path, notes: list[str]) -> None:
        """Show the closing figures of the run, and a sentence for each network that diverged."""

    def close(self) -> None:
        """Stop the view; called at the end of every run, also after an error."""


class Display:
    """Shows one run in a view and in TensorBoard; a context manager, which closes both.

    Args:
        learning: the run in memory.
        folder: the run folder.
        view: shows the run to a person.
        about: settings of the run, by name.
    """

    def __init__(self, learning: Learning, folder: Path, view: View, about: dict[str, str]) -> None:
        self._learning, self._folder, self._view, self._about = learning, folder, view, about
        self._board: Board | None = None
        first = learning.engine.sample
        self._shown = first if first else -1
        self._picture_seconds = 0.0

    def __enter__(self) -> Display:
        try:
            self._begin()
        except BaseException:
            self._view.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._board:
                self._board.close()
        finally:
            self._view.close()

    def _begin(self) -> None:
        """Show the settings and the notes, and open TensorBoard's event file."""
        config, first = self._learning.config, self._learning.engine.sample
        self._view.begin("letterocr", self._about, first)
        for note in self._learning.notes:
            self._view.message(note)
        if config.tensorboard:
            self._board = Board(self._folder, list_fields(config), first, config.replicas)

    def show(self) -> None:
        """Show the samples learned since the last call."""
        curve = self._learning.curve
        now = curve.sample
        samples = select_samples(self._shown, now, curve.samples)
        self._shown = now
        if self._board:
            if len(samples):
                errors = curve.train_error(samples), curve.test_error[samples]
                self._board.curve(samples, *errors, curve.loss[samples])
            if self._picture_seconds < PICTURE_SHARE * self._learning.seconds - 0.1:
                self._show_pictures(self._board)
        train_error = float(np.median(curve.train_error(np.array([now]))))
        self._view.update(now, train_error, curve.last_error(), self._learning.seconds)

    def show_figures(self, figures: Mapping[str, np.ndarray]) -> None:
        """Write the figures of a diagnosis, each [replicas] by its tag, to TensorBoard; nothing if there are none."""
        if self._board and figures:
            self._board.figures(self._learning.engine.sample, figures)

    def _show_pictures(self, board: Board) -> None:
        """Write the weights, confusion matrix and worst letters of the first replica that has not diverged."""
        r = self._learning.divergence.find_finite()
        if r is None:
            return
        start = time.perf_counter()
        engine, test = self._learning.engine, self._learning.split.test
        step = engine.sample
        outputs = engine.test_outputs(r).cpu()
        weight = engine.network.weights[0][r].cpu()
        if weight.shape[-1] == PIXELS:
            board.picture("weights/first_layer", step, pictures.weight_images(weight.numpy(), alphabet=test.alphabet))
        truth, read = test.labels.numpy(), outputs.argmax(-1).numpy()
        worst = pictures.worst_letters(test.images.numpy(), truth, outputs.numpy(), alphabet=test.alphabet)
        board.picture("test/confusion", step, pictures.confusion_matrix(truth, read, test.alphabet))
        board.picture("test/worst", step, worst)
        self._picture_seconds += time.perf_counter() - start

    def close_board(self, error: float, best_error: float) -> None:
        """Write the last pictures and the final and best test error, and close TensorBoard's event file."""
        if self._board:
            self._show_pictures(self._board)
            self._board.close(error, best_error)

    def finish(self, summary: Summary, notes: list[str]) -> None:
        """Show the closing figures, and a sentence for each network that diverged."""
        self._view.finish(summary, self._folder, notes)
