"""Runs that train side by side: the networks of all of them in one engine, each run in its own folder.

The runs differ only in seed, learning rate, temperature and scale of the initial weights. On the CPU each has the bits
that it has alone; on a GPU the numbers agree up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from letterocr.base.errors import RunningError, UserError
from letterocr.base.signals import Signals
from letterocr.base.threads import limit_threads
from letterocr.compose.build import build_engine, list_replica_seeds
from letterocr.compose.devices import choose_device, describe_memory
from letterocr.compose.learning_rates import plan_learning_rates
from letterocr.config.identity import to_plain
from letterocr.config.train import TrainConfig, per_replica
from letterocr.data.letters import Split
from letterocr.engine.engine_share import SharedEngine
from letterocr.run.curve import Summary
from letterocr.run.lock import Lock
from letterocr.run.messages import describe_stop
from letterocr.run.outcome import Outcome, has_unfinished_run, look_up_outcome, read_outcome
from letterocr.run.rehearsal import load_letters
from letterocr.run.resuming import read_learning_rates, read_start
from letterocr.run.session import Session
from letterocr.run.terminal import format_final
from letterocr.run.training import explain_write_errors

STRETCH = 256  # samples between two looks at signals and checkpoints, rounded up to whole blocks


@dataclass(frozen=True)
class TeamRun:
    """A run that trains with others.

    Attributes:
        config: its config.
        folder: its run folder.
    """

    config: TrainConfig
    folder: Path


class QuietView:
    """Shows a run by one line at its end: many run at once."""

    def begin(self, title: str, facts: dict[str, str], first_sample: int) -> None:
        """Show nothing."""

    def add_points(self, samples: np.ndarray, errors: np.ndarray) -> None:
        """Show nothing."""

    def update(self, sample: int, train_error: float, test_error: float, seconds: float) -> None:
        """Show nothing."""

    def message(self, text: str) -> None:
        """Print one sentence."""
        print(text, flush=True)

    def finish(self, summary: Summary, folder: Path, notes: list[str]) -> None:
        """Print the last test error, and a sentence for each network that diverged."""
        error = format_final(summary.final_error)
        print(f"{folder}: test error {error} after {summary.samples:,} samples", *notes, flush=True)

    def close(self) -> None:
        """Do nothing."""


def describe_team(config: TrainConfig, folder: Path) -> str:
    """Return a text that is the same for runs that can train side by side.

    They may differ in seed, learning rate, temperature and scale of the initial weights, and they are at the same
    sample.
    """
    plain = to_plain(config)
    kept: dict[str, Any] = {name: value for name, value in plain.items() if name not in ("seed", "learning_rate")}
    model = {name: v for name, v in plain["model"].items() if name not in ("temperature", "init_scale")}
    checkpoints = sorted(path.stem for path in (folder / "checkpoints").glob("*.json"))
    begun = checkpoints[-1] if checkpoints and not config.force else ""
    return repr(sorted((kept | {"model": sorted(model.items()), "begun": begun}).items(), key=lambda item: item[0]))


def can_join(config: TrainConfig) -> bool:
    """Return whether a run can train beside others: its network is a chain, and nothing else is measured."""
    return config.model.is_chain and config.diagnostics == "none"


def train_side_by_side(runs: Sequence[TeamRun]) -> list[Outcome]:
    """Train runs with the same `describe_team`, or resume them, as many at once as fit; return the outcome of each.

    A run that is over already is not trained again, and one that another process trains is left to that process.

    Args:
        runs: the runs.

    Raises:
        UserError: what the user can mend.
    """
    found = [(run, look_up_outcome(run.config, run.folder)) for run in runs]
    outcomes = {run.folder: outcome for run, outcome in found if outcome}
    missing = [run for run, outcome in found if not outcome]
    if missing:
        with limit_threads(missing[0].config.threads):
            split = load_letters(missing[0].config, QuietView().message)
            size = _count_fitting(missing, split)
            for place in range(0, len(missing), size):
                outcomes |= _train_part(missing[place : place + size], split)
                if any(outcome.signal for outcome in outcomes.values()):
                    break
    number = max((outcome.signal for outcome in outcomes.values()), default=0)
    return [outcomes.get(run.folder, Outcome("stopped", run.folder, math.nan, signal=number)) for run in runs]


def _count_fitting(runs: Sequence[TeamRun], split: Split) -> int:
    """Return how many of the runs fit into the memory at once; on the CPU all of them."""
    whole = join_configs([run.config for run in runs])
    if choose_device(whole).device.type == "cpu":
        return len(runs)
    free, _ = torch.cuda.mem_get_info()
    return max(1, describe_memory(whole, split).count_fitting(free) // runs[0].config.replicas)


def _train_part(runs: Sequence[TeamRun], split: Split) -> dict[Path, Outcome]:
    """Train runs that fit at once; return the outcome of each by its folder."""
    outcomes: dict[Path, Outcome] = {}
    with ExitStack() as stack:
        locked = []
        for run in runs:
            try:
                with explain_write_errors(run.folder):
                    locked.append((run, stack.enter_context(Lock(run.folder))))
            except RunningError as error:
                outcomes[run.folder] = Outcome("running", run.folder, math.nan, str(error))
        return outcomes | _train(_open_sessions(locked, split)) if locked else outcomes


def _open_sessions(locked: list[tuple[TeamRun, Lock]], split: Split) -> list[Session]:
    """Return the session of each run, all of them at the same sample."""
    resumes = [has_unfinished_run(run.config, run.folder) and run.config.resume == "true" for run, _ in locked]
    alphas = []
    for (run, _), resume in zip(locked, resumes, strict=True):
        (run.folder / "failure.json").unlink(missing_ok=True)
        stored = read_learning_rates(run.config, run.folder, read_start(run.folder)) if resume else None
        alphas += plan_learning_rates(run.config, split.train, stored).alphas
    began = read_start(locked[0][0].folder).get("device") if resumes[0] else None
    configs = [run.config for run, _ in locked]
    whole = build_engine(
        join_configs(configs),
        split,
        alphas,
        device=choose_device(join_configs(configs), began).device,
        seeds=[seed for config in configs for seed in list_replica_seeds(config)],
    )
    shared = SharedEngine(whole, [config.replicas for config in configs])
    sessions = []
    for (run, lock), resume, share in zip(locked, resumes, shared.shares, strict=True):
        with explain_write_errors(run.folder):
            sessions.append(Session(run.config, run.folder, split, resume, lock, STRETCH, share))
    samples = {session.learning.engine.sample for session in sessions}
    if len(samples) > 1:
        raise UserError(f"A checkpoint is damaged, so that the runs are at different samples: {sorted(samples)}.")
    shared.begin(samples.pop())
    return sessions


def join_configs(configs: Sequence[TrainConfig]) -> TrainConfig:
    """Return the config of one run with the networks of all these runs; its seed is that of the first run."""
    first = configs[0]
    model = replace(
        first.model,
        temperature=[t for c in configs for t in per_replica(c.model.temperature, c.replicas)],
        init_scale=[s for c in configs for s in per_replica(c.model.init_scale, c.replicas)],
    )
    return replace(first, model=model, replicas=sum(c.replicas for c in configs))


def _train(sessions: list[Session]) -> dict[Path, Outcome]:
    """Learn the remaining samples of all runs in turn; if a signal comes, end early with checkpoints."""
    open_runs = {session: session.iterate(QuietView()) for session in sessions}
    with Signals() as signals:
        while open_runs and not signals.received:
            for session, stretches in list(open_runs.items()):
                with explain_write_errors(session.folder):
                    if next(stretches, session) is session:  # it is over
                        del open_runs[session]
        for session, stretches in open_runs.items():
            with explain_write_errors(session.folder):
                stretches.close()  # writes a checkpoint
    return {session.folder: _conclude(session, session in open_runs, signals.received) for session in sessions}


def _conclude(session: Session, is_open: bool, number: int) -> Outcome:
    learning = session.learning
    if not is_open:
        return replace(read_outcome(session.folder), message="", signal=number)
    message = describe_stop(number, learning.engine.sample, session.folder)
    return Outcome("stopped", session.folder, learning.curve.last_error(), message, number)
