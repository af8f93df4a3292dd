"""What the user sees of a run: the terminal, and TensorBoard's curves, pictures and figures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from letterocr.config.train import TrainConfig
from letterocr.data.letters import PIXELS, Split
from letterocr.engine.engine import Engine
from letterocr.figures import pictures
from letterocr.run.curve import Curve, Summary
from letterocr.run.divergence import Divergence
from letterocr.run.folder import list_hyperparameters
from letterocr.run.shown_samples import select_samples
from letterocr.run.tensorboard import Board
from letterocr.run.terminal import Terminal

PICTURE_SHARE = 0.03  # of the training time, at most, goes into pictures during the run


class Display:
    """Shows one run; a context manager, which closes TensorBoard's file and leaves the terminal sane.

    Args:
        config: the run.
        folder: the run folder.
        split: its letters.
        engine: what trains.
        live: a live view or plain lines; by default live where standard output is a terminal.
    """

    def __init__(self, config: TrainConfig, folder: Path, split: Split, engine: Engine, live: bool | None) -> None:
        self._config, self._folder, self._test, self._engine = config, folder, split.test, engine
        self._terminal = Terminal(config.samples, live)
        self._board: Board | None = None
        self._shown = engine.sample if engine.sample else -1
        self._picture_seconds = 0.0

    def __enter__(self) -> Display:
        self._terminal.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._board:
                self._board.close()
        finally:
            self._terminal.__exit__(kind, error, trace)

    def begin(self, about: dict[str, str], notes: Sequence[str]) -> None:
        """Say what the run is and what to mind, and open TensorBoard's file."""
        config, first = self._config, self._engine.sample
        self._terminal.begin("letterocr", about, first)
        for note in notes:
            self._terminal.message(note)
        if config.tensorboard:
            self._board = Board(self._folder, list_hyperparameters(config), first, config.replicas)

    def show(self, curve: Curve, seconds: float, divergence: Divergence) -> None:
        """Show what was learned since the last time.

        Args:
            curve: so far.
            seconds: spent on training so far.
            divergence: who has diverged.
        """
        now = curve.sample
        samples = select_samples(self._shown, now, self._config.samples)
        self._shown = now
        if self._board:
            if len(samples):
                errors = curve.train_error(samples), curve.test_error[samples]
                self._board.curve(samples, *errors, curve.loss[samples])
            if self._picture_seconds < PICTURE_SHARE * seconds - 0.1:
                self._show_pictures(self._board, divergence)
        self._terminal.update(now, float(np.median(curve.train_error(np.array([now])))), curve.last_error())

    def show_figures(self, figures: Mapping[str, np.ndarray]) -> None:
        """Show what was diagnosed, if anything: each figure by its tag, [replicas]."""
        if self._board and figures:
            self._board.figures(self._engine.sample, figures)

    def _show_pictures(self, board: Board, divergence: Divergence) -> None:
        """Weights, confusion and worst letters of the first replica that has not diverged."""
        r = divergence.find_finite()
        if r is None:
            return
        start = time.perf_counter()
        test, step = self._test, self._engine.sample
        outputs = self._engine.test_outputs(r).cpu()
        weight = self._engine.network.weights[0][r].cpu()
        if weight.shape[-1] == PIXELS:
            board.picture("weights/first_layer", step, pictures.weight_images(weight.numpy(), alphabet=test.alphabet))
        truth, read = test.labels.numpy(), outputs.argmax(-1).numpy()
        worst = pictures.worst_letters(test.images.numpy(), truth, outputs.numpy(), alphabet=test.alphabet)
        board.picture("test/confusion", step, pictures.confusion_matrix(truth, read, test.alphabet))
        board.picture("test/worst", step, worst)
        self._picture_seconds += time.perf_counter() - start

    def close_board(self, error: float, best_error: float, divergence: Divergence) -> None:
        """Write the last pictures and the run's final and best test error, which end it in TensorBoard."""
        if self._board:
            self._show_pictures(self._board, divergence)
            self._board.close(error, best_error)

    def finish(self, summary: Summary, notes: list[str]) -> None:
        """Print what the run came to."""
        self._terminal.finish(summary, self._folder, notes)
