"""One process's part of a run: learn a stretch, add it to the curve, show it, save it, until nothing is left to learn.

The engine alone decides the numbers. Nothing here depends on where a run was cut: the curve and the
weights of an interrupted run that went on are the same bits as those of a run that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from letterocr.base.files import write_json, write_together
from letterocr.base.signals import Signals
from letterocr.compose.build import build_engine
from letterocr.compose.learning_rates import plan_learning_rates
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.engine.records import Records
from letterocr.run import checkpoint
from letterocr.run.curve import Curve, Summary
from letterocr.run.diagnostics import Diagnostics
from letterocr.run.display import Display
from letterocr.run.divergence import Divergence
from letterocr.run.folder import check_space, prepare_folder
from letterocr.run.lock import Lock
from letterocr.run.messages import collect_notes, describe_divergence, describe_run, describe_stop
from letterocr.run.outcome import Outcome
from letterocr.run.resuming import check_letters, read_learning_rates, read_start, take_up

STRETCH_SECONDS = 0.1  # how long the engine works between two looks at signals, clock and screen

Watch = Callable[[Curve], bool]


class Session:
    """One process's part of a run.

    Args:
        config: the run.
        folder: the run folder.
        split: training and test letters.
        resume: go on from the newest whole checkpoint of the folder; otherwise what is in the folder is removed.
        lock: of the folder, held by this process.

    Raises:
        UserError: what the user can mend, before any training.
    """

    def __init__(self, config: TrainConfig, folder: Path, split: Split, resume: bool, lock: Lock) -> None:
        self.config, self.folder, self.split, self.lock = config, folder, split, lock
        start = read_start(folder) if resume else {}
        stored = read_learning_rates(config, folder, start) if resume else None
        self.plan = plan_learning_rates(config, split.train, stored)
        self.engine = build_engine(config, split, self.plan.alphas)
        self.curve = Curve(config.samples, config.replicas)
        self.divergence = Divergence(config.replicas)
        self.notes = collect_notes(config, self.engine, self.plan)
        check_space(folder, self.engine.state(), self.curve)
        check_letters(config, split, folder, start)
        prepare_folder(folder, config, split, self.plan.alphas, self.engine.images.device, resume)
        self.diagnostics = Diagnostics(config, split, self.engine, folder) if config.diagnostics == "rank" else None
        self.seconds = 0.0
        if resume:
            self._take_up()
        else:
            self.curve.test_error[0] = self.engine.test_error().cpu().numpy()
        self._last_checkpoint = time.monotonic()

    def _take_up(self) -> None:
        facts, damaged = take_up(self.folder, self.engine, self.curve)
        self.notes += damaged
        if self.diagnostics:
            self.diagnostics.load()
        self.seconds = facts["seconds"]
        self.divergence.load(facts["diverged"])

    def train(self, live: bool | None, watch: Watch | None) -> Outcome:
        """Learn the samples that are left.

        Args:
            live: a live view or plain lines; by default live where standard output is a terminal.
            watch: sees the curve so far; the run ends early, with a checkpoint, where it says true.
        """
        with Display(self.config, self.folder, self.split, self.engine, live) as display, Signals() as signals:
            about = describe_run(self.config, self.engine, self.split, self.plan.alphas, self.folder)
            display.begin(about, self.notes)
            self._last_checkpoint = time.monotonic()
            if self._loop(display, signals, watch):
                self._save()
                return Outcome("pruned", self.folder, self.curve.last_error(), signal=signals.received)
            if signals.received and not self._is_over():
                return self._stop(signals.received)
            return replace(self._finish(display), signal=signals.received)

    def _is_over(self) -> bool:
        """Whether nothing is left to learn."""
        return self.engine.sample >= self.config.samples or self.divergence.is_total()

    def _loop(self, display: Display, signals: Signals, watch: Watch | None) -> bool:
        """Learn until nothing is left or a signal comes; whether `watch` ended it before."""
        stretch = 1  # samples; soon as many as take STRETCH_SECONDS
        self._diagnose(display)
        while not self._is_over() and not signals.received:
            start = time.perf_counter()
            records = self.engine.advance(self._choose_stop(stretch) - self.engine.sample)
            spent = time.perf_counter() - start
            self.seconds += spent
            learned = len(records.loss)
            stretch = max(1, min(2 * learned, int(learned * STRETCH_SECONDS / max(spent, 1e-9))))
            self._add(records)
            display.show(self.curve, self.seconds, self.divergence)
            self._diagnose(display)
            if time.monotonic() - self._last_checkpoint >= self.config.checkpoint_seconds and not self._is_over():
                self._save()
            if watch and not self._is_over() and watch(self.curve):
                return True
        return False

    def _choose_stop(self, stretch: int) -> int:
        """Where the next stretch ends: at a whole block, so that a resumed run has the same blocks, or a diagnosis."""
        done, block, samples = self.engine.sample, self.engine.block, self.config.samples
        blocks = -(-(done + stretch) // block)
        return min(blocks * block, self.diagnostics.stop(done) if self.diagnostics else samples, samples)

    def _add(self, records: Records) -> None:
        """Add what was learned to the curve, and find who has diverged."""
        self.curve.add(records)
        self.divergence.look(records, self.curve, self.engine)

    def _diagnose(self, display: Display) -> None:
        if self.diagnostics:
            display.show_figures(self.diagnostics.look(self.divergence.last_finite))

    def _save(self) -> None:
        self.lock.verify()
        facts = {"seconds": self.seconds, "diverged": self.divergence.last_finite}
        with write_together():
            self.curve.save(self.folder / "curve.parquet")  # first: a checkpoint needs its curve
            checkpoint.save(self.folder / "checkpoints", self.engine.sample, self.engine.state(), facts)
        self._last_checkpoint = time.monotonic()

    def _stop(self, number: int) -> Outcome:
        self._save()
        message = describe_stop(number, self.engine.sample, self.folder)
        return Outcome("stopped", self.folder, self.curve.last_error(), message, number)

    def _finish(self, display: Display) -> Outcome:
        """Write the result and say what the run came to."""
        summary, total = self.curve.summary(self.seconds), self.divergence.is_total()
        status, error = ("diverged", 1.0) if total else ("finished", summary.final_error)
        with write_together():  # the result last: it vouches for the others
            if total:
                self.curve.save(self.folder / "curve.parquet")
            else:
                self._save()
            display.close_board(error, summary.best_error, self.divergence)
            self._write_result(status, error, summary)
        diverged = sorted(self.divergence.last_finite.items())
        why = [describe_divergence(self.plan, r, sample) for r, sample in diverged]
        display.finish(summary, why)
        return Outcome(status, self.folder, error)

    def _write_result(self, status: str, error: float, summary: Summary) -> None:
        facts = asdict(summary) | {"reached": {f"{mark:g}": n for mark, n in summary.reached.items()}}
        diverged = {str(r): sample for r, sample in self.divergence.last_finite.items()}
        write_json(self.folder / "result.json", {"status": status, "error": error, **facts, "diverged": diverged})
