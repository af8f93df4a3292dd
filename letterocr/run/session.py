"""Training session: the part of a run that one process trains in the run folder, stretch by stretch.

The result does not depend on where a run was interrupted: a resumed run ends with the same curve and weights, bit for
bit, as a run that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from letterocr.base.files import write_json, write_together
from letterocr.base.signals import Signals
from letterocr.compose.devices import DeviceChoice, choose_device
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.engine.engine import Engine
from letterocr.run import checkpoint
from letterocr.run.curve import Curve, Summary
from letterocr.run.diagnostics import Diagnostics
from letterocr.run.display import Display, View
from letterocr.run.folder import check_space, keep_familiarity, prepare_folder
from letterocr.run.learning import Learning
from letterocr.run.lock import Lock
from letterocr.run.messages import describe_run, describe_stop
from letterocr.run.outcome import Outcome
from letterocr.run.resuming import check_letters, read_learning_rates, read_start, take_up
from letterocr.run.run_page import write_run_page
from letterocr.run.run_view import view_run
from letterocr.run.snapshots import Snapshots

Watch = Callable[[Curve], bool]


def find_device(engine: Engine) -> DeviceChoice:
    """Return the device of an engine that was built for several runs."""
    return DeviceChoice(engine.images.device, "other runs train side by side with it")


class Session:
    """The part of a run that one process trains.

    Args:
        config: config of the run.
        folder: the run folder.
        split: training and test letters.
        resume: whether to continue from the newest whole checkpoint; if not, an earlier run in the folder is removed.
        lock: lock of the folder, held by this process.
        every: samples of a stretch, as in `Learning`.
        engine: engine at sample 0 that was built for the run; None: as the config says.

    Attributes:
        learning: the run in memory.

    Raises:
        UserError: what the user can mend, before any training.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        split: Split,
        resume: bool,
        lock: Lock,
        every: int | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.config, self.folder, self.lock, self._every = config, folder, lock, every
        start = read_start(folder) if resume else {}
        stored = read_learning_rates(config, folder, start) if resume else None
        choice = find_device(engine) if engine else choose_device(config, start.get("device"))
        self.learning = learning = Learning(config, split, stored, every, engine, choice.device)
        engine = learning.engine
        check_space(folder, engine.state(), learning.curve)
        check_letters(config, split, folder, start)
        lock.verify()  # building the engine may have taken minutes, and the next line removes files
        prepare_folder(folder, config, split, learning.plan.alphas, choice, resume)
        self.diagnostics = Diagnostics(config, split, engine, folder) if config.diagnostics == "rank" else None
        self.snapshots = Snapshots(config, split, engine, folder) if config.snapshots == "log" else None
        if resume:
            self._take_up()
        else:
            learning.measure_start()
        if self.snapshots:  # now, as a run beside this one may be the first to learn for both
            self.snapshots.look(learning.divergence)
        self._last_checkpoint = time.monotonic()

    def _take_up(self) -> None:
        facts, damaged = take_up(self.folder, self.learning.engine, self.learning.curve)
        self.learning.notes += damaged
        if self.diagnostics:
            self.learning.notes += self.diagnostics.load()
        if self.snapshots:
            self.learning.notes += self.snapshots.load()
        self.learning.seconds = facts["seconds"]
        self.learning.divergence.load(facts["diverged"])

    def train(self, view: View, watch: Watch | None) -> Outcome:
        """Learn the remaining samples; if a signal comes, end early with a checkpoint.

        Args:
            view: shows the run.
            watch: called with the curve after each stretch; the run ends early, with a checkpoint, if it returns true.

        Returns:
            The outcome of the run.
        """
        learning = self.learning
        with self._open_display(view) as display, Signals() as signals:
            for _ in self._learn(display, signals):
                if watch and not learning.is_over() and watch(learning.curve):
                    self._save()
                    return Outcome("pruned", self.folder, learning.curve.last_error(), signal=signals.received)
            if signals.received and not learning.is_over():
                return self._stop(signals.received)
            return replace(self._finish(display), signal=signals.received)

    def iterate(self, view: View) -> Generator[None, None, None]:
        """Learn the remaining samples, one stretch at each step; closed early, write a checkpoint.

        Args:
            view: shows the run.

        Yields:
            None after each stretch.
        """
        with self._open_display(view) as display:
            try:
                yield from self._learn(display)
            except GeneratorExit:
                if not self.learning.is_over():
                    self._save()
                    return
            self._finish(display)

    def _open_display(self, view: View) -> Display:
        learning = self.learning
        about = describe_run(self.config, learning.engine, learning.split, learning.plan.alphas, self.folder)
        return Display(learning, self.folder, view, about)

    def _learn(self, display: Display, signals: Signals | None = None) -> Iterator[None]:
        """Learn one stretch at each step, until the run is over or a signal has come."""
        learning = self.learning
        self._last_checkpoint = time.monotonic()
        self._look(display)
        while not learning.is_over() and not (signals and signals.received):
            learning.learn_stretch(self._choose_limit(display))
            self.lock.verify_if_due()
            display.show()
            self._look(display)
            if time.monotonic() - self._last_checkpoint >= self.config.checkpoint_seconds and not learning.is_over():
                self._save()
            yield

    def _choose_limit(self, display: Display) -> int:
        """Return where the next stretch ends at the latest: at the next pictures, diagnosis or snapshot."""
        sample = self.learning.engine.sample
        pictures = self.config.samples if self._every else display.find_next()  # a caller's stretches are not cut
        return min(pictures, *(o.stop(sample) for o in (self.diagnostics, self.snapshots) if o), self.config.samples)

    def _look(self, display: Display) -> None:
        """Diagnose the networks and make a snapshot, if they are due."""
        figures: dict[str, np.ndarray] = {}
        with write_together(self.lock.verify):
            if self.snapshots:
                self.snapshots.look(self.learning.divergence)
            if self.diagnostics:
                figures = self.diagnostics.look(self.learning.divergence.last_finite)
        display.show_figures(figures)

    def _save(self) -> None:
        self.lock.verify()
        learning = self.learning
        facts = {"seconds": learning.seconds, "diverged": learning.divergence.last_finite}
        with write_together(self.lock.verify):
            keep_familiarity(self.folder, learning.split.train)
            learning.curve.save(self.folder / "curve.parquet")  # first: a checkpoint needs its curve
            checkpoint.save(self.folder / "checkpoints", learning.engine.sample, learning.engine.state(), facts)
        self._last_checkpoint = time.monotonic()

    def _stop(self, number: int) -> Outcome:
        self._save()
        message = describe_stop(number, self.learning.engine.sample, self.folder)
        return Outcome("stopped", self.folder, self.learning.curve.last_error(), message, number)

    def _finish(self, display: Display) -> Outcome:
        """Write result.json, and show the closing figures."""
        learning = self.learning
        summary, total = learning.curve.summary(learning.seconds), learning.divergence.is_total()
        status, error = ("diverged", 1.0) if total else ("finished", summary.final_error)
        with write_together(self.lock.verify):  # the result last: it tells that the other files are whole
            if total:
                learning.curve.save(self.folder / "curve.parquet")
            else:
                self._save()
            display.close_board(error, summary.best_error)
            self._write_result(status, error, summary)
        shown = replace(summary, final_error=math.nan) if total else summary
        display.finish(shown, learning.describe_end())
        if self.config.page:
            display.tell(f"Page: {write_run_page(view_run(self.folder, learning.split))}")
        return Outcome(status, self.folder, error)

    def _write_result(self, status: str, error: float, summary: Summary) -> None:
        facts = asdict(summary) | {"reached": {f"{mark:g}": n for mark, n in summary.reached.items()}}
        diverged = {str(r): sample for r, sample in self.learning.divergence.last_finite.items()}
        networks = self.learning.curve.summarise_networks()
        for r in self.learning.divergence.last_finite:
            networks["error"][r] = 1.0
        facts |= {"diverged": diverged, "networks": networks}
        write_json(self.folder / "result.json", {"status": status, "error": error, **facts})
