"""One training run of a comparison, kept in one small JSON file that is named by what the run is.

The error is measured between timed stretches, at the same samples for every contender: `seconds` is wall-clock time
spent on training alone, with one thread. A run ends when its loss or weights stop being finite: it has diverged.

Shapes: M measured samples, the first is 0.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from letterocr.base.errors import UserError
from letterocr.base.files import write_json
from letterocr.base.version import __version__
from letterocr.compare.problems import compute_fingerprint, load_letters
from letterocr.compose import registry
from letterocr.compose.build import build_engine
from letterocr.config.identity import hash_facts, select_identity, to_plain
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Letters, Split
from letterocr.engine.engine import Engine
from letterocr.engine.evaluation import EvaluationSchedule

STEP = 64  # samples: what the engines take at once, nearly
GROWTH = 1.1  # of the samples from one measurement to the next
TIMED = "training alone"  # what `seconds` is; runs of before, which timed more, are not taken for these


@dataclass(frozen=True)
class TrialRun:
    """A run to be done.

    Attributes:
        config: what is trained, with its seed.
        part: a `trial` is measured on the validation letters alone, a `final` run on the test letters too.
        key: twelve hex digits that name it.
    """

    config: TrainConfig
    part: str
    key: str

    def path(self, folder: Path) -> Path:
        """Where its outcome is kept."""
        return folder / "runs" / f"{self.key}.json"


@dataclass(frozen=True)
class TrialOutcome:
    """What became of a run; of one that diverged, the measurements before that.

    Attributes:
        samples: [M] learned at each measurement.
        seconds: [M] spent on training up to then.
        validation: [M] fractions of the validation letters misread.
        test: [M] fractions of the test letters misread; empty for a trial.
        diverged: samples learned when it was found that it had diverged, or None.
    """

    samples: list[int]
    seconds: list[float]
    validation: list[float]
    test: list[float]
    diverged: int | None = None

    def final(self, errors: list[float]) -> float:
        """The error at the end of the run; infinite if it diverged."""
        return math.inf if self.diverged is not None else errors[-1]

    def mean(self, errors: list[float]) -> float:
        """The error's mean over the samples, by the trapezoidal rule; infinite if the run diverged."""
        return math.inf if self.diverged is not None else float(np.trapezoid(errors, self.samples) / self.samples[-1])

    def first_at(self, target: float) -> int | None:
        """The first measurement whose validation error is at most `target`; None if there is none or it diverged."""
        reached = np.flatnonzero(np.array(self.validation) <= target)
        return int(reached[0]) if len(reached) and self.diverged is None else None


def list_measured_samples(samples: int) -> list[int]:
    """The samples at which every run of that length is measured: 0, 64, 128, ... and ever sparser, and the end."""
    places, at = [0], float(STEP)
    while at < samples:
        places.append(round(at / STEP) * STEP)
        at = max(at * GROWTH, at + STEP)
    return sorted({p for p in places if p < samples} | {samples})


def make_trial_run(config: TrainConfig, part: str, seed: int) -> TrialRun:
    """The task of a config at a seed, named by everything that can change its outcome."""
    config = replace(config, seed=seed)
    kept = select_identity(config)
    del kept["data"]  # the letters themselves stand for where they are from
    what = [__version__, kept, part, compute_fingerprint(config, part), TIMED]
    return TrialRun(config, part, hash_facts(what))


_warm: set[str] = set()


def _warm_up(config: TrainConfig, tuning: Split) -> None:
    """Learn a few samples untimed the first time that this process meets such a run: code is compiled then."""
    kind = json.dumps([config.model.name, registry.find_optimizer(config.optimizer).target])
    if kind not in _warm:
        short = replace(config, samples=2 * STEP)
        build_engine(short, tuning, evaluation=EvaluationSchedule.never()).advance(2 * STEP)
        _warm.add(kind)


def train(task: TrialRun, stopped: Callable[[], bool] = lambda: False) -> TrialOutcome | None:
    """Do the run; None if it was stopped."""
    config = task.config
    tuning, test = load_letters(config)
    _warm_up(config, tuning)
    engine = build_engine(config, tuning, evaluation=EvaluationSchedule.never())
    outcome = TrialOutcome([], [], [], [])
    spent = 0.0
    for at in list_measured_samples(config.samples):
        if stopped():
            return None
        if at:
            start = time.perf_counter()
            records = engine.advance(at - engine.sample)
            spent += time.perf_counter() - start
            if not (np.isfinite(records.loss).all() and all(bool(w.isfinite().all()) for w in engine.network.weights)):
                return replace(outcome, diverged=at)
        outcome.samples.append(at)
        outcome.seconds.append(spent)
        outcome.validation.append(measure_error(engine, tuning.test))
        if task.part == "final":
            outcome.test.append(measure_error(engine, test))
    return outcome


def measure_error(engine: Engine, letters: Letters) -> float:
    """The fraction of the letters that the network whose error counts misreads now."""
    read = engine.read(0, letters.images.to(engine.test_images)).argmax(-1).to(letters.labels.device)
    return float((read != letters.labels).double().mean())


def perform(task: TrialRun, folder: Path, stopped: Callable[[], bool] = lambda: False) -> float:
    """Do the run and keep what became of it, unless it was stopped; the seconds that all of it took."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    outcome = train(task, stopped)
    elapsed = time.perf_counter() - start
    if outcome is not None:
        facts = {"part": task.part, "config": to_plain(task.config), "elapsed": elapsed}
        write_json(task.path(folder), asdict(outcome) | facts)
    return elapsed


def read_outcome(task: TrialRun, folder: Path) -> TrialOutcome | None:
    """What became of a run, if it is done.

    Raises:
        UserError: its file is damaged.
    """
    path = task.path(folder)
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return TrialOutcome(**{f.name: facts[f.name] for f in fields(TrialOutcome)})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it and give the command again.") from error
