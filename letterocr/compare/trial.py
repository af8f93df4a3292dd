"""One training run of a comparison, kept in a small JSON file whose name is a hash of all that decides its outcome.

The error is measured between timed stretches, at the same samples for every contender: `seconds` is wall-clock time
spent on training alone, with one thread. A run ends when it has diverged (`letterocr.run.divergence`).

Shapes: M measured samples, the first is 0.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

from letterocr.base.errors import UserError
from letterocr.base.files import write_json
from letterocr.base.untrusted import read_json_facts
from letterocr.base.version import __version__
from letterocr.compare.problems import compute_fingerprint, load_letters
from letterocr.compose import registry
from letterocr.compose.build import build_engine
from letterocr.config.identity import hash_facts, select_identity, to_plain
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Letters, Split
from letterocr.engine.engine import Engine
from letterocr.engine.evaluation import EvaluationSchedule
from letterocr.run.divergence import has_finite_weights, is_diverged

STEP = 64  # samples: measurements are at multiples of this, which suits the blocks of the engines
GROWTH = 1.1  # ratio of samples between two measurements
TIMED = "training alone"  # what `seconds` counts; earlier versions timed more, and their runs are not used again


@dataclass(frozen=True)
class TrialRun:
    """A run to be done.

    Attributes:
        config: what is trained, with its seed.
        part: `trial` is measured on the validation letters only, `final` also on the test letters.
        key: its name, twelve hexadecimal digits.
    """

    config: TrainConfig
    part: str
    key: str

    def path(self, folder: Path) -> Path:
        """Return the path of its outcome in the comparison's folder."""
        return folder / "runs" / f"{self.key}.json"


@dataclass(frozen=True)
class TrialOutcome:
    """The outcome of a run; if it diverged, the measurements before that.

    Attributes:
        samples: [M] samples learned at each measurement.
        seconds: [M] seconds of training until then.
        validation: [M] fractions of the validation letters misread.
        test: [M] fractions of the test letters misread; empty for a trial.
        diverged: number of samples learned when the run was found to have diverged, or None.
    """

    samples: list[int]
    seconds: list[float]
    validation: list[float]
    test: list[float]
    diverged: int | None = None

    def final(self, errors: list[float]) -> float:
        """Return the error at the end of the run; infinite if the run diverged."""
        return math.inf if self.diverged is not None else errors[-1]

    def mean(self, errors: list[float]) -> float:
        """Return the mean of the error over the samples, by the trapezoidal rule; infinite if the run diverged."""
        return math.inf if self.diverged is not None else float(np.trapezoid(errors, self.samples) / self.samples[-1])

    def first_at(self, target: float) -> int | None:
        """Return the index of the first measurement with a validation error of at most `target`, or None.

        None means that there is none, or that the run diverged.
        """
        reached = np.flatnonzero(np.array(self.validation) <= target)
        return int(reached[0]) if len(reached) and self.diverged is None else None


def list_measured_samples(samples: int) -> list[int]:
    """Return the numbers of samples at which a run of that length is measured: 0, 64, 128, ..., sparser later, the end.

    Example:
        >>> list_measured_samples(200)
        [0, 64, 128, 192, 200]
    """
    places, at = [0], float(STEP)
    while at < samples:
        places.append(round(at / STEP) * STEP)
        at = max(at * GROWTH, at + STEP)
    return sorted({p for p in places if p < samples} | {samples})


def make_trial_run(config: TrainConfig, part: str, seed: int) -> TrialRun:
    """Return the run of a config with a seed; its name depends on everything that can change its outcome.

    Args:
        config: what is trained.
        part: trial or final.
        seed: seed of the run.
    """
    config = replace(config, seed=seed)
    kept = select_identity(config)
    del kept["data"]  # the fingerprint of the letters takes the place of their source
    what = [__version__, kept, part, compute_fingerprint(config, part), TIMED]
    return TrialRun(config, part, hash_facts(what))


_warm: set[str] = set()


def _warm_up(config: TrainConfig, tuning: Split) -> None:
    """Learn a few samples untimed the first time that this process does such a run, so that code is compiled then."""
    kind = json.dumps([config.model.name, registry.find_optimizer(config.optimizer).target])
    if kind not in _warm:
        short = replace(config, samples=2 * STEP)
        build_engine(short, tuning, evaluation=EvaluationSchedule.never()).advance(2 * STEP)
        _warm.add(kind)


def train(task: TrialRun, stopped: Callable[[], bool] = lambda: False) -> TrialOutcome | None:
    """Do the run and return its outcome; None if it was stopped.

    Args:
        task: the run.
        stopped: tells whether the run must stop.
    """
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
            if is_diverged(records.loss).any() or not has_finite_weights(engine.network, 0):
                return replace(outcome, diverged=at)
        outcome.samples.append(at)
        outcome.seconds.append(spent)
        outcome.validation.append(measure_error(engine, tuning.test))
        if task.part == "final":
            outcome.test.append(measure_error(engine, test))
    return outcome


def measure_error(engine: Engine, letters: Letters) -> float:
    """Return the fraction of the letters that replica 0 misreads now."""
    read = engine.read(0, letters.images.to(engine.test_images)).argmax(-1).to(letters.labels.device)
    return float((read != letters.labels).double().mean())


def perform(task: TrialRun, folder: Path, stopped: Callable[[], bool] = lambda: False) -> float:
    """Do the run and keep its outcome, unless it was stopped; return the seconds that it took in all.

    Args:
        task: the run.
        folder: folder of the comparison.
        stopped: tells whether the run must stop.
    """
    torch.set_num_threads(1)
    start = time.perf_counter()
    outcome = train(task, stopped)
    elapsed = time.perf_counter() - start
    if outcome is not None:
        facts = {"part": task.part, "config": to_plain(task.config), "elapsed": elapsed}
        write_json(task.path(folder), asdict(outcome) | facts)
    return elapsed


def read_outcome(task: TrialRun, folder: Path) -> TrialOutcome | None:
    """Read the outcome of a run; None if the run is not done.

    Args:
        task: the run.
        folder: folder of the comparison.

    Raises:
        UserError: its file is damaged.
    """
    path = task.path(folder)
    try:
        facts = read_json_facts(path)
        return TrialOutcome(**{f.name: facts[f.name] for f in fields(TrialOutcome)})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it and give the command again.") from error
