"""One run of a sweep: it goes on where it is unfinished, and its failure is not the sweep's.

A run that is over is not trained again, one that another process trains is left to it. What became of it is recorded
(`ledger`), so that the same sweep, or one with more values, can be asked for at any time, and trains what is missing.
"""

from __future__ import annotations

import math
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from letterocr.base.errors import RunningError, UserError
from letterocr.base.files import read_json
from letterocr.base.owner import describe_this_process
from letterocr.base.signals import StopFile
from letterocr.config.train import TrainConfig
from letterocr.run.outcome import Outcome, look_up_outcome
from letterocr.run.training import run
from letterocr.sweep.ledger import write_failure, write_record
from letterocr.sweep.slurm import is_submitit_error, is_submitit_job

Read = Callable[[], tuple[TrainConfig, Path]]  # gives the config of a run and its folder


def train_attempt(read: Read, overrides: Sequence[str], sweep: Path, stop: StopFile | None = None) -> Outcome:
    """Train one run of a sweep; its outcome is recorded, whatever it is.

    Args:
        read: gives the config and its run folder.
        overrides: what the run is called in the report.
        sweep: the sweep's folder.
        stop: ends this run, and keeps the next from beginning; made when a signal ends this one.
    """
    outcome = _attempt(read, overrides, sweep, lambda config, folder: _train_stoppable(config, folder, stop))
    assert outcome
    return outcome


def look_up_attempt(read: Read, overrides: Sequence[str], sweep: Path) -> Outcome | None:
    """What became of a run of a sweep, which is recorded; None if there is something to train."""
    return _attempt(read, overrides, sweep, look_up_outcome)


def _attempt(
    read: Read, overrides: Sequence[str], sweep: Path, act: Callable[[TrainConfig, Path], Outcome | None]
) -> Outcome | None:
    folder, trace = None, ""
    try:
        config, folder = read()
        if config.force and _was_queued_again(folder):
            config.force = False
        if not config.force:
            config.resume = "true"
        outcome = act(config, folder)
        if outcome is None:
            return None
    except RunningError as error:
        outcome = Outcome("running", folder or Path(), math.nan, str(error))
    except UserError as error:
        outcome = Outcome("failed", folder or Path(), math.nan, str(error))
    except BrokenPipeError:
        raise
    except Exception as error:
        if is_submitit_error(error):
            raise
        trace = traceback.format_exc()
        print(trace, file=sys.stderr, flush=True)
        outcome = Outcome("failed", folder or Path(), math.nan, f"{type(error).__name__}: {error}".splitlines()[0])
    if outcome.status == "failed" and folder:
        write_failure(folder, overrides, outcome.message, trace)
    write_record(sweep, overrides, outcome)
    return outcome


def _was_queued_again(folder: Path) -> bool:
    """Whether this is a SLURM job that was queued again, and that began this run before."""
    here = describe_this_process()
    return here.restarts > 0 and read_json(folder / "environment.json").get("job") == here.job


def _train_stoppable(config: TrainConfig, folder: Path, stop: StopFile | None) -> Outcome:
    """Train, perhaps in one of many processes of this machine that are stopped together."""
    if not stop:
        return _train_in_job(config, folder) if is_submitit_job() else run(config, folder=folder)
    if stop.is_there():
        return Outcome("stopped", folder, math.nan)
    with stop:
        outcome = run(config, folder=folder)
    if outcome.signal:
        stop.make(outcome.signal)
    return outcome


def _train_in_job(config: TrainConfig, folder: Path) -> Outcome:
    """Train in a job of submitit's, which judges a signal once our checkpoint is written.

    It queues the job again at SIGUSR2, which ends this process. It passes over SIGTERM, which SLURM sends first where
    another job needs the machine: the run goes on for as long as it is let.
    """
    while True:
        outcome = run(config, folder=folder)
        if outcome.status != "stopped":
            return outcome
        print(outcome.message, flush=True)
        signal.raise_signal(outcome.signal)
        config.resume = "true"
