"""Display of a run: a view (terminal or progress bar), and TensorBoard's curves, pictures and figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np

from letterocr.compose.defaults import label_alone, list_fields
from letterocr.data.letters import PIXELS
from letterocr.figures import pictures
from letterocr.run.curve import Summary
from letterocr.run.learning import Learning
from letterocr.run.shown_samples import list_picture_samples, select_samples
from letterocr.run.stored_network import initialise_replica
from letterocr.run.tensorboard import Board

PICTURE_SHARE = 0.1  # largest fraction of the expected training time that pictures may take during the run


class View(Protocol):
    """Interface of what shows a run to a person: a terminal or a progress bar."""

    def begin(self, title: str, facts: dict[str, str], first_sample: int) -> None:
        """Show the settings of the run, by name; `first_sample` is above 0 if the run is resumed."""

    def add_points(self, samples: np.ndarray, errors: np.ndarray) -> None:
        """Add measurements to the curve: samples learned [n] and test errors [n], fractions."""

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
        self._due = list_picture_samples(learning.config.samples, learning.engine.block)
        self._looked = first  # samples up to which it was seen whether pictures were due
        self._pictured = -1  # samples learned at the latest pictures
        self._initial: np.ndarray | None = None  # first-layer weights of the shown network at sample 0

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
        self._view.begin(f"letterocr: {label_alone(config)}", self._about, first)
        for note in self._learning.notes:
            self._view.message(note)
        if config.tensorboard:
            layers = len(self._learning.engine.network.weights) if config.diagnostics == "rank" else 0
            self._board = Board(self._folder, list_fields(config), first, config.replicas, layers)

    def find_next(self) -> int:
        """Return the samples learned at the next set of pictures, where a stretch should end."""
        due = self._due if self._board else ()
        return next((sample for sample in due if sample > self._learning.engine.sample), self._learning.config.samples)

    def show(self) -> None:
        """Show the samples learned since the last call."""
        curve = self._learning.curve
        now = curve.sample
        samples = select_samples(self._shown, now, curve.samples)
        self._shown = now
        if self._board and len(samples):
            loss = self._learning.divergence.drop_losses(samples, curve.loss[samples])
            self._board.curve(samples, curve.train_error(samples), curve.test_error[samples], loss)
        if self._board and self._is_due(now) and self._can_afford_pictures():
            self._show_pictures(self._board)
        errors = np.median(curve.test_error[samples], axis=1)
        measured = np.isfinite(errors)
        self._view.add_points(samples[measured], errors[measured])
        train_error = float(np.median(curve.train_error(np.array([now]))))
        self._view.update(now, train_error, curve.last_error(), self._learning.seconds)

    def _is_due(self, now: int) -> bool:
        """Return whether a set of pictures has become due since the last call."""
        before, self._looked = self._looked, now
        return any(before < due <= now for due in self._due)

    def _can_afford_pictures(self) -> bool:
        """Return whether pictures have taken less than their share of the time that the whole run will take.

        A part of that share is kept for each set that is still due, so that those of a short run are spread over it.
        """
        learning = self._learning
        expected = learning.seconds * learning.config.samples / max(learning.engine.sample, 1)
        passed = sum(due <= learning.engine.sample for due in self._due) / len(self._due)
        return self._picture_seconds <= PICTURE_SHARE * expected * (passed - 1 / len(self._due))

    def show_figures(self, figures: Mapping[str, np.ndarray]) -> None:
        """Write the figures of a diagnosis, each [replicas] by its tag, to TensorBoard; nothing if there are none."""
        if self._board and figures:
            self._board.figures(self._learning.engine.sample, figures)

    def _show_pictures(self, board: Board) -> None:
        """Write what was learned, the confusion matrix and the worst letters of the first network that can read."""
        learning = self._learning
        r = learning.divergence.find_finite()
        if r is None:
            return
        start = time.perf_counter()
        engine, test, replicas = learning.engine, learning.split.test, learning.config.replicas
        step, which = engine.sample, f", network {r + 1} of {replicas}" if replicas > 1 else ""
        outputs = engine.test_outputs(r).cpu().numpy()
        weight = engine.network.weights[0][r].cpu().double().numpy()
        if weight.shape[-1] == PIXELS:
            if self._initial is None:
                self._initial = initialise_replica(learning.config, test.classes, r).weights[0].double().numpy()
            names = test.alphabet if len(engine.network.weights) == 1 else ""
            learned = pictures.draw_learned(weight - self._initial, names, which)
            board.picture("pictures/learned", step, learned)
        truth, read = test.labels.numpy(), outputs.argmax(-1)
        worst = pictures.worst_letters(test.images.numpy(), truth, outputs, test.alphabet, which)
        board.picture("pictures/confusion", step, pictures.confusion_matrix(truth, read, test.alphabet, which))
        board.picture("pictures/worst_letters", step, worst)
        self._pictured = step
        self._picture_seconds += time.perf_counter() - start

    def close_board(self, error: float, best_error: float) -> None:
        """Write the last pictures and the final and best test error, and close TensorBoard's event file."""
        if self._board:
            if self._pictured != self._learning.engine.sample:
                self._show_pictures(self._board)
            self._board.close(error, best_error)

    def tell(self, text: str) -> None:
        """Show one sentence."""
        self._view.message(text)

    def finish(self, summary: Summary, notes: list[str]) -> None:
        """Show the closing figures, and a sentence for each network that diverged."""
        self._view.finish(summary, self._folder, notes)
