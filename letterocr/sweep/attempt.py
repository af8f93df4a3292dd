"""One run of a sweep: continue it if it is unfinished, and record its outcome; its failure does not end the sweep.

A finished run is not trained again, and a run that another process trains is left to that process. The outcome is
recorded (`ledger`), so that the same sweep, or one with more values, can be started again at any time and trains only
what is missing.
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
from letterocr.sweep.ledger import is_stopped, stop_sweep, write_failure, write_record
from letterocr.sweep.slurm import is_submitit_error, is_submitit_job

Read = Callable[[], tuple[TrainConfig, Path]]  # returns the config of a run and its run folder


def train_attempt(read: Read, overrides: Sequence[str], sweep: Path, stop: StopFile | None = None) -> Outcome:
    """Train one run of a sweep and record its outcome, whatever it is.

    Args:
        read: returns the config and its run folder.
        overrides: name of the run in the report.
        sweep: folder of the sweep.
        stop: file that ends this run and keeps the next one from starting; it is made when a signal ends this run.
    """

    def train(config: TrainConfig, folder: Path) -> Outcome:
        if config.on_failure == "stop" and is_stopped(sweep):
            return look_up_outcome(config, folder) or Outcome("stopped", folder, math.nan)
        return _train_stoppable(config, folder, stop)

    outcome = _attempt(read, overrides, sweep, train)
    assert outcome
    return outcome


def look_up_attempt(read: Read, overrides: Sequence[str], sweep: Path) -> Outcome | None:
    """Record and return the outcome of a run of a sweep, or return None if there is something to train.

    Args:
        read: returns the config and its run folder.
        overrides: name of the run in the report.
        sweep: folder of the sweep.
    """
    return _attempt(read, overrides, sweep, look_up_outcome)


def _attempt(
    read: Read, overrides: Sequence[str], sweep: Path, act: Callable[[TrainConfig, Path], Outcome | None]
) -> Outcome | None:
    config, folder, trace = None, None, ""
    try:
        config, folder = read()
        prepare_attempt(config, folder)
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
    if outcome.status == "failed" and config and config.on_failure == "stop":
        stop_sweep(sweep)
    write_record(sweep, overrides, outcome)
    return outcome


def prepare_attempt(config: TrainConfig, folder: Path) -> None:
    """Let a run continue where it stopped, unless it is to be trained again and was not begun by this job."""
    if config.force and _was_queued_again(folder):
        config.force = False
    if not config.force:
        config.resume = "true"


def _was_queued_again(folder: Path) -> bool:
    """Return whether this is a SLURM job that was queued again and that started this run before."""
    here = describe_this_process()
    return here.restarts > 0 and read_json(folder / "environment.json").get("job") == here.job


def _train_stoppable(config: TrainConfig, folder: Path, stop: StopFile | None) -> Outcome:
    """Train a run, perhaps in one of several processes of this machine that are stopped together."""
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
    """Train a run in a submitit job, and hand a signal to submitit after our checkpoint is written.

    At SIGUSR2 submitit queues the job again, which ends this process. It ignores SIGTERM, which SLURM sends first when
    another job needs the machine: the run then continues for as long as SLURM lets it.
    """
    while True:
        outcome = run(config, folder=folder)
        if outcome.status != "stopped":
            return outcome
        print(outcome.message, flush=True)
        signal.raise_signal(outcome.signal)
        config.resume = "true"
