"""One run: letters, network and engine; checkpoints, curve, TensorBoard and what the user sees.

The engine alone decides the numbers. Nothing here depends on where a run was cut: the curve and the
weights of an interrupted run that went on are the same bits as those of a run that was never stopped.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from letterocr.base.errors import UserError
from letterocr.base.files import read_json, write_json, write_together
from letterocr.base.owner import read_slurm_job
from letterocr.base.signals import Signals
from letterocr.compose.build import build_engine
from letterocr.compose.learning_rates import compute_bound, resolve_learning_rates
from letterocr.config.train import TrainConfig
from letterocr.data.letters import PIXELS, Split
from letterocr.engine.records import Records
from letterocr.figures import pictures
from letterocr.run import checkpoint
from letterocr.run.curve import Curve, Summary
from letterocr.run.diagnostics import Diagnostics
from letterocr.run.folder import clear_folder, clear_temporary, list_hyperparameters, write_config, write_environment
from letterocr.run.lock import Lock
from letterocr.run.messages import collect_notes, describe_divergence, describe_run
from letterocr.run.outcome import Outcome
from letterocr.run.tensorboard import Board, select_points
from letterocr.run.terminal import Terminal

STRETCH_SECONDS = 0.1  # how long the engine works between two looks at signals, clock and screen
PICTURE_SHARE = 0.03  # of the training time, at most, goes into pictures during the run

Watch = Callable[[Curve], bool]


class Session:
    """One process's part of a run."""

    def __init__(self, config: TrainConfig, folder: Path, split: Split, resume: bool, lock: Lock) -> None:
        self.config, self.folder, self.split, self.lock = config, folder, split, lock
        stored = read_json(folder / "environment.json") if resume else {}
        self.rates = self._stored_rates(stored) if resume else resolve_learning_rates(config, split.train)
        self.engine = build_engine(config, split, self.rates)
        self.curve = Curve(config.samples, config.replicas)
        self.seconds = 0.0
        self.diverged: dict[int, int] = {}  # replica: samples learned when its weights were last finite
        self.limit = compute_bound(config, split.train)
        self.notes = collect_notes(config, self.engine, split.train, self.rates, self.limit)
        self._make_folder(resume, stored)
        self.diagnostics = Diagnostics(config, split, self.engine, folder) if config.diagnostics == "rank" else None
        if resume:
            self._take_up()
        else:
            self.curve.test_error[0] = self.engine.test_error().cpu().numpy()

    def _stored_rates(self, stored: dict[str, Any]) -> list[float]:
        """Alpha of each replica as the run began with it, to the bit."""
        if self.config.learning_rate != "auto":
            return resolve_learning_rates(self.config, self.split.train)
        rates = stored.get("learning_rates")
        if not isinstance(rates, list) or [type(rate) for rate in rates] != [float] * self.config.replicas:
            path = self.folder / "environment.json"
            raise UserError(f"{path} has lost the run's learning_rates: start anew with force=true.")
        return rates

    def _make_folder(self, resume: bool, stored: dict[str, Any]) -> None:
        state = sum(t.nbytes for t in self.engine.state().values())
        needed = 3 * state + 40 * self.curve.loss.size + 20_000_000
        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise UserError(
                f"{self.folder} has {free / 1e6:.0f} MB free and this run may need {needed / 1e6:.0f} MB: "
                "make room or take another output=."
            )
        letters = f"{self.split.train.fingerprint()}-{self.split.test.fingerprint()}"
        if stored.get("letters", letters) != letters:
            raise UserError(
                f"The letters of data={self.config.data.name} changed since {self.folder} began: use force=true."
            )
        if not resume:
            clear_folder(self.folder)
        clear_temporary(self.folder)
        write_config(self.folder, self.config, later=not resume)
        facts: dict[str, Any] = {"device": str(self.engine.images.device)}
        facts |= {"threads": torch.get_num_threads(), "letters": letters}
        facts |= {"alphabet": self.split.train.alphabet, "box": self.split.train.box(), "learning_rates": self.rates}
        facts |= {"job": read_slurm_job()} if read_slurm_job() else {}
        write_environment(self.folder, facts, later=not resume)

    def _take_up(self) -> None:
        try:
            facts, tensors, damaged = checkpoint.load(self.folder / "checkpoints", self.engine.images.device)
        except FileNotFoundError as error:
            raise UserError(f"{self.folder} has no whole checkpoint: start anew with force=true.") from error
        self.notes += damaged
        path = self.folder / "curve.parquet"
        try:
            self.engine.load_state(facts["sample"], tensors)
        except (KeyError, RuntimeError) as error:
            raise UserError(f"{self.folder} is a run of another version: start anew with force=true.") from error
        try:
            self.curve.load(path, facts["sample"])
        except (OSError, KeyError, ValueError) as error:
            raise UserError(f"{path} is missing or damaged: start anew with force=true.") from error
        if self.diagnostics:
            self.diagnostics.load()
        self.seconds = facts["seconds"]
        self.diverged = {int(r): sample for r, sample in facts["diverged"].items()}

    def train(self, live: bool | None, watch: Watch | None) -> Outcome:
        """Learn the samples that are left."""
        config, first = self.config, self.engine.sample
        with Terminal(config.samples, live) as terminal, Signals() as signals:
            about = describe_run(config, self.engine, self.split, self.rates, self.folder)
            terminal.begin("letterocr", about, first)
            for note in self.notes:
                terminal.message(note)
            self.board = (
                Board(self.folder, list_hyperparameters(config), first, config.replicas) if config.tensorboard else None
            )
            self._last_checkpoint = time.monotonic()
            self._picture_seconds, self._shown = 0.0, first if first else -1
            try:
                pruned = self._loop(terminal, signals, watch)
                if pruned:
                    self._save()
                    return Outcome("pruned", self.folder, self.curve.last_error(), signal=signals.received)
                if signals.received and not self._over():
                    return self._stop(signals.received)
                return replace(self._finish(terminal), signal=signals.received)
            finally:
                if self.board:
                    self.board.close()

    def _over(self) -> bool:
        """Whether nothing is left to learn."""
        return self.engine.sample >= self.config.samples or len(self.diverged) == self.config.replicas

    def _loop(self, terminal: Terminal, signals: Signals, watch: Watch | None) -> bool:
        """Whether `watch` ended it."""
        samples, stretch = self.config.samples, 1
        self._diagnose()
        while not self._over() and not signals.received:
            start = time.perf_counter()
            done, block = self.engine.sample, self.engine.block
            blocks = -(-(done + stretch) // block)  # cut at whole blocks only: a resumed run has the same ones
            stop = min(blocks * block, self.diagnostics.stop(done) if self.diagnostics else samples, samples)
            records = self.engine.advance(stop - done)
            spent = time.perf_counter() - start
            self.seconds += spent
            learned = len(records.loss)
            stretch = max(1, min(2 * learned, int(learned * STRETCH_SECONDS / max(spent, 1e-9))))
            self._add(records)
            self._show(terminal)
            self._diagnose()
            if time.monotonic() - self._last_checkpoint >= self.config.checkpoint_seconds and not self._over():
                self._save()
            if watch and not self._over() and watch(self.curve):
                return True
        return False

    def _diagnose(self) -> None:
        figures = self.diagnostics.look(self.diverged) if self.diagnostics else {}
        if self.board and figures:
            self.board.figures(self.engine.sample, figures)

    def _add(self, records: Records) -> None:
        """Add to the curve; a replica whose loss or last weights are not finite has diverged: it counts as error 1."""
        before = self.curve.sample
        self.curve.add(records)
        for r in range(self.config.replicas):
            broken = ~np.isfinite(records.loss[:, r])
            if r not in self.diverged and broken.any():
                self.diverged[r] = max(before + int(broken.argmax()) - 1, 0)
            elif r not in self.diverged and self.engine.sample == self.config.samples and not self._finite(r):
                self.diverged[r] = self.engine.sample - 1
            if r in self.diverged:
                late = self.curve.test_error[self.diverged[r] + 1 : self.curve.sample + 1, r]
                late[~np.isnan(late)] = 1.0
        if len(self.diverged) == self.config.replicas:  # the curve ends with the last finite weights
            self.curve.sample = max(self.diverged.values())

    def _finite(self, r: int) -> bool:
        return all(bool(tensor[r].isfinite().all()) for tensor in self.engine.network.state().values())

    def _show(self, terminal: Terminal) -> None:
        now = self.curve.sample
        points = select_points(self._shown, now, self.config.samples)
        self._shown = now
        if self.board and len(points):
            self.board.curve(
                points, self.curve.train_error(points), self.curve.test_error[points], self.curve.loss[points]
            )
        if self.board and self._picture_seconds < PICTURE_SHARE * self.seconds - 0.1:
            self._pictures()
        measured = self.curve.last_error()
        terminal.update(now, float(np.median(self.curve.train_error(np.array([now])))), measured)

    def _pictures(self) -> None:
        """Weights, confusion and worst letters of the first replica that has not diverged, into TensorBoard."""
        r = next((r for r in range(self.config.replicas) if r not in self.diverged), None)
        if r is None:
            return
        start = time.perf_counter()
        test, step = self.split.test, self.engine.sample
        outputs = self.engine.test_outputs(r).cpu()
        weight = self.engine.network.weights[0][r].cpu()
        assert self.board is not None
        if weight.shape[-1] == PIXELS:
            self.board.picture(
                "weights/first_layer", step, pictures.weight_images(weight.numpy(), alphabet=test.alphabet)
            )
        truth, read = test.labels.numpy(), outputs.argmax(-1).numpy()
        worst = pictures.worst_letters(test.images.numpy(), truth, outputs.numpy(), alphabet=test.alphabet)
        self.board.picture("test/confusion", step, pictures.confusion_matrix(truth, read, test.alphabet))
        self.board.picture("test/worst", step, worst)
        self._picture_seconds += time.perf_counter() - start

    def _save(self) -> None:
        self.lock.verify()
        facts = {"seconds": self.seconds, "diverged": self.diverged}
        with write_together():
            self.curve.save(self.folder / "curve.parquet")  # first: a checkpoint needs its curve
            checkpoint.save(self.folder / "checkpoints", self.engine.sample, self.engine.state(), facts)
        self._last_checkpoint = time.monotonic()

    def _stop(self, number: int) -> Outcome:
        self._save()
        message = (
            f"Stopped by {signal.Signals(number).name} after {self.engine.sample:,} samples; nothing is lost. "
            f"Go on with: python -m letterocr.train {shlex.quote(f'resume={self.folder}')}"
        )
        return Outcome("stopped", self.folder, self.curve.last_error(), message, number)

    def _finish(self, terminal: Terminal) -> Outcome:
        summary = self.curve.summary(self.seconds)
        everything = len(self.diverged) == self.config.replicas
        status, error = ("diverged", 1.0) if everything else ("finished", summary.final_error)
        why = [describe_divergence(self.rates, self.limit, r, sample) for r, sample in sorted(self.diverged.items())]
        with write_together():  # the result last: it vouches for the others
            if everything:
                self.curve.save(self.folder / "curve.parquet")
            else:
                self._save()
            if self.board:
                self._pictures()
                self.board.close(error, summary.best_error)
            self._write_result(status, error, summary)
        terminal.finish(summary, self.folder, why)
        return Outcome(status, self.folder, error)

    def _write_result(self, status: str, error: float, summary: Summary) -> None:
        facts = asdict(summary) | {"reached": {f"{mark:g}": n for mark, n in summary.reached.items()}}
        diverged = {str(r): sample for r, sample in self.diverged.items()}
        write_json(self.folder / "result.json", {"status": status, "error": error, **facts, "diverged": diverged})
