"""Protocol of the comparison, after Dahl et al. 2023 (Benchmarking neural network training algorithms).

1. All runs train on the fitting letters (`problems`), with one network and one sample at a time.
2. Tuning: on each problem every contender is trained at the same number of points of its search space (`contenders`),
   with one seed that no final run has. The point with the lowest final validation error is chosen; of equal points the
   one with the lower mean over the curve, then the earlier one.
3. Final runs: with the defaults, and with the chosen hyperparameters, with the same seeds for all contenders: a seed
   gives all of them the same initial weights and sample order. Only these runs are measured on the test letters.
4. Target: for each problem the median over seeds of the final validation error of tuned vanilla gradient descent. The
   cost to reach it is what a final run has spent when its own validation error is first as low.
5. A run that diverged counts as infinite in everything; a run that does not reach the target, in its cost.

Shapes: P pairs of problem and seed, S contenders.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from letterocr.base.quartiles import compute_quartiles
from letterocr.compare.contenders import CONTENDERS, draw_points, get_field, make_trial_values, set_fields
from letterocr.compare.operations import multiply_adds
from letterocr.compare.problems import Problem, load_letters
from letterocr.compare.progress import Progress, perform_all
from letterocr.compare.trial import TrialOutcome, TrialRun, make_trial_run, read_outcome
from letterocr.config.train import TrainConfig

TUNING_SEED = 1_000_000  # the seeds of the final runs count from 0
BASELINE = "vanilla"  # sets the target of each problem
KINDS = ("default", "tuned")
COSTS = ("samples", "multiply-adds", "seconds")


@dataclass(frozen=True)
class Entrant:
    """A contender on a problem.

    Attributes:
        name: name of the contender.
        problem: the problem that it is trained on.
        default: its config with the default hyperparameters.
        values: hyperparameters of each trial, by the paths of their fields.
    """

    name: str
    problem: Problem
    default: TrainConfig
    values: list[dict[str, float]]

    def trials(self) -> list[TrialRun]:
        """Return the runs for tuning."""
        return [make_trial_run(set_fields(self.default, v), "trial", TUNING_SEED) for v in self.values]

    def finals(self, values: dict[str, float], seeds: int) -> list[TrialRun]:
        """Return the final runs with these hyperparameters, one for each of `seeds` seeds."""
        return [make_trial_run(set_fields(self.default, values), "final", seed) for seed in range(seeds)]


@dataclass(frozen=True)
class Final:
    """Outcomes of a contender's final runs with one setting of hyperparameters.

    Attributes:
        values: its tuned hyperparameters, by the paths of their fields.
        multiply_adds: multiply-adds for each sample.
        outcomes: one for each seed.
    """

    values: dict[str, Any]
    multiply_adds: float
    outcomes: list[TrialOutcome]

    def costs(self, target: float) -> dict[str, list[float]]:
        """Return the samples, multiply-adds and seconds to the target.

        Args:
            target: the validation error to reach.

        Returns:
            For each cost one number for each seed; infinite if the target is not reached.
        """
        places = [o.first_at(target) for o in self.outcomes]
        pairs = list(zip(self.outcomes, places, strict=True))
        samples = [float("inf") if i is None else float(o.samples[i]) for o, i in pairs]
        seconds = [float("inf") if i is None else o.seconds[i] for o, i in pairs]
        return {"samples": samples, "multiply-adds": [s * self.multiply_adds for s in samples], "seconds": seconds}

    def microseconds(self) -> float:
        """Return the training time of a sample in microseconds: the median over runs that did not diverge, or NaN."""
        times = [1e6 * o.seconds[-1] / o.samples[-1] for o in self.outcomes if o.diverged is None and o.samples[-1]]
        return float(np.median(times)) if times else float("nan")


@dataclass
class Standing:
    """Results of all contenders on one problem.

    Attributes:
        finals: results of the final runs, by kind (default, tuned) and contender.
        diverged_trials: number of trials that diverged, by contender.
    """

    finals: dict[str, dict[str, Final]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    diverged_trials: dict[str, int] = field(default_factory=dict)

    @property
    def target(self) -> float:
        """The validation error to reach; 0 if the median of tuned vanilla gradient descent diverged."""
        _, median, _ = compute_quartiles([o.final(o.validation) for o in self.finals["tuned"][BASELINE].outcomes])
        return median if math.isfinite(median) else 0.0


def choose(outcomes: Sequence[TrialOutcome]) -> int:
    """Return the index of the best trial: lowest final validation error, then lowest mean of the curve, then first."""
    return min(
        range(len(outcomes)),
        key=lambda i: (outcomes[i].final(outcomes[i].validation), outcomes[i].mean(outcomes[i].validation)),
    )


def enter(problems: Sequence[Problem], names: Sequence[str], trials: int) -> list[Entrant]:
    """Pair every contender with every problem that it can be trained on.

    Args:
        problems: the problems.
        names: names of the contenders.
        trials: number of trials for tuning.

    Raises:
        UserError: the config of a contender is refused.
    """
    at, entrants = draw_points(trials), []
    for problem in problems:
        is_quadratic = problem.config(()).model.is_quadratic
        for name in names:
            contender = CONTENDERS[name]
            if is_quadratic or not contender.needs_quadratic:
                values = [make_trial_values(contender, point) for point in at]
                entrants.append(Entrant(name, problem, problem.config(contender.overrides), values))
    return entrants


def compare(entrants: Sequence[Entrant], seeds: int, folder: Path, workers: int) -> dict[Problem, Standing]:
    """Tune, train and measure every entrant; runs that are done already are not repeated.

    Args:
        entrants: the contenders on their problems.
        seeds: number of final runs with each setting.
        folder: folder of the comparison.
        workers: number of runs at once.

    Returns:
        The results by problem.

    Raises:
        UserError: a file of the folder is damaged, or a run could not be set up.
    """
    trials = [e.trials() for e in entrants]
    defaults = [e.finals({}, seeds) for e in entrants]
    progress = Progress(workers)
    for e, tasks in zip(entrants, trials, strict=True):
        progress.expect(e.name, len(tasks) + len(KINDS) * seeds)
    names = [e.name for e in entrants]
    _complete(names, [t + d for t, d in zip(trials, defaults, strict=True)], folder, workers, progress)
    tried = [_read_outcomes(tasks, folder) for tasks in trials]
    tuned = [e.finals(e.values[choose(o)], seeds) for e, o in zip(entrants, tried, strict=True)]
    _complete(names, tuned, folder, workers, progress)
    standings: dict[Problem, Standing] = {}
    for e, outcomes, *both in zip(entrants, tried, defaults, tuned, strict=True):
        standing = standings.setdefault(e.problem, Standing())
        standing.diverged_trials[e.name] = sum(o.diverged is not None for o in outcomes)
        for kind, tasks in zip(KINDS, both, strict=True):
            config = tasks[0].config
            values = {r.path: get_field(config, r.path) for r in CONTENDERS[e.name].space}
            cost = multiply_adds(config, load_letters(config)[0].train.classes)
            standing.finals[kind][e.name] = Final(values, cost, _read_outcomes(tasks, folder))
    return standings


def _complete(names: list[str], groups: list[list[TrialRun]], folder: Path, workers: int, progress: Progress) -> None:
    """Do the missing runs, each once; they alternate between groups, so that each group's speed is soon known."""
    todo: dict[str, tuple[str, TrialRun]] = {}
    for turn in zip_longest(*groups):
        for name, task in zip(names, turn, strict=True):
            if task is None:
                continue
            if task.key in todo or read_outcome(task, folder) is not None:
                progress.expect(name, -1)
            else:
                todo[task.key] = (name, task)
    perform_all(list(todo.values()), folder, workers, progress)


def _read_outcomes(tasks: list[TrialRun], folder: Path) -> list[TrialOutcome]:
    outcomes = [read_outcome(task, folder) for task in tasks]
    assert all(o is not None for o in outcomes)
    return [o for o in outcomes if o is not None]


def make_cost_table(standings: dict[Problem, Standing], kind: str, cost: str, names: Sequence[str]) -> np.ndarray:
    """Return the costs to reach the target.

    Args:
        standings: the results by problem.
        kind: default or tuned.
        cost: samples, multiply-adds or seconds.
        names: names of the contenders.

    Returns:
        [P, S], ordered by problem and seed; infinite for a contender that does not take part in a problem.
    """
    rows = []
    for standing in standings.values():
        finals = standing.finals[kind]
        seeds = len(finals[BASELINE].outcomes)
        columns = [
            finals[name].costs(standing.target)[cost] if name in finals else [float("inf")] * seeds for name in names
        ]
        rows.append(np.array(columns).T)
    return np.concatenate(rows)
