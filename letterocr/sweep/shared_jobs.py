"""Jobs whose runs train side by side: they differ only in values that networks of one engine can have."""

from __future__ import annotations

import sys
import traceback
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from letterocr.base.errors import UserError
from letterocr.run.side_by_side import TeamRun, can_join, describe_team, train_side_by_side
from letterocr.sweep.attempt import prepare_attempt, train_attempt
from letterocr.sweep.ledger import write_record
from letterocr.sweep.missing import MissingRun
from letterocr.sweep.slurm import is_submitit_error

MOST_RUNS = 128  # runs in a job: about as many networks as a GPU has multiprocessors


def share_out(runs: Sequence[MissingRun]) -> list[list[int]]:
    """Return which runs share a job, by their places: those that can train side by side.

    Args:
        runs: the runs of a sweep.
    """
    teams: dict[str, list[int]] = defaultdict(list)
    for place, run in enumerate(runs):
        teams[describe_team(run.config, run.folder) if can_join(run.config) else str(place)].append(place)
    return [team[a : a + MOST_RUNS] for team in teams.values() for a in range(0, len(team), MOST_RUNS)]


def train_team(runs: Sequence[MissingRun], sweep: Path) -> int:
    """Train runs side by side and record their outcomes; if that fails, train them one after another.

    Args:
        runs: runs of one job.
        sweep: folder of the sweep.

    Returns:
        The number of the signal that ended the training, or 0.
    """
    for run in runs:
        prepare_attempt(run.config, run.folder)
    try:
        outcomes = train_side_by_side([TeamRun(run.config, run.folder) for run in runs])
    except Exception as error:
        if is_submitit_error(error) or isinstance(error, BrokenPipeError):
            raise
        if not isinstance(error, UserError):
            traceback.print_exc()
        print(f"{error} The runs are trained one after another.", file=sys.stderr, flush=True)
        return _train_alone(runs, sweep)
    for run, outcome in zip(runs, outcomes, strict=True):
        write_record(sweep, run.overrides, outcome)
    return max(outcome.signal for outcome in outcomes)


def _train_alone(runs: Sequence[MissingRun], sweep: Path) -> int:
    for run in runs:
        outcome = train_attempt(lambda run=run: (run.config, run.folder), run.overrides, sweep)  # type: ignore[misc]
        if outcome.signal:
            return outcome.signal
    return 0
