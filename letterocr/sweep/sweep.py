"""A sweep: its runs one by one, what is left to launch, and the report at its end.

A run that fails does not end the sweep: its reason goes into `failure.json` of its run folder and into the report.
A run that is unfinished goes on, one that is over is not trained again, one that another process trains is left to
it. So the same sweep, or one with more values, can be asked for at any time, and trains what is missing.

runs/HASH.json, in the sweep's folder: what became of the run of these overrides
"""

from __future__ import annotations

import functools
import hashlib
import math
import os
import signal
import socket
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback

from letterocr.base.errors import RunningError, UserError
from letterocr.base.files import read_json, write_json
from letterocr.base.owner import describe_this_process
from letterocr.base.signals import StopFile
from letterocr.config.train import TrainConfig
from letterocr.run.outcome import Outcome, look_up_outcome
from letterocr.run.training import run

ORDER = ("finished", "diverged", "running", "stopped", "failed")
WORDS = {"running": "running elsewhere"}
Read = Callable[[], tuple[TrainConfig, Path]]


@dataclass(frozen=True)
class Missing:
    """A run that a sweep has to train.

    Attributes:
        overrides: what the run is called in the report.
        config: its config.
        folder: its run folder.
    """

    overrides: list[str]
    config: TrainConfig
    folder: Path


Start = Callable[[Sequence[Missing], Path], dict[int, str]]  # see launch


class Noted(Callback):
    """Hydra's callback that notes which folder the sweep of this process has."""

    folder: Path | None = None

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:
        """Note it before the first run."""
        Noted.folder = Path(config.hydra.sweep.dir).absolute()


def attempt(
    read: Read, overrides: Sequence[str], sweep: Path, look_only: bool = False, stop: Path | None = None
) -> Outcome | None:
    """One run of a sweep; its outcome is recorded, whatever it is.

    Args:
        read: gives the config and its run folder.
        overrides: what the run is called in the report.
        sweep: the sweep's folder.
        look_only: train nothing; None if there is something to train.
        stop: a file that ends this run, and keeps the next from beginning; made when a signal ends this one.
    """
    folder, trace = None, ""
    try:
        config, folder = read()
        if config.force and _was_queued_again(folder):
            config.force = False
        if not config.force:
            config.resume = "true"
        outcome = look_up_outcome(config, folder) if look_only else _run_stoppable(config, folder, stop)
        if outcome is None:
            return None
    except RunningError as error:
        outcome = Outcome("running", folder or Path(), math.nan, str(error))
    except UserError as error:
        outcome = Outcome("failed", folder or Path(), math.nan, str(error))
    except BrokenPipeError:
        raise
    except Exception as error:
        if type(error).__module__.startswith("submitit."):
            raise  # the job must end and can't be queued again
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


def _run_stoppable(config: TrainConfig, folder: Path, stop: Path | None) -> Outcome:
    """Train in one of many processes of this machine, that are stopped together."""
    if not stop:
        return _run(config, folder)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from the terminal it reaches every process; the first tells us
    if stop.exists():
        return Outcome("stopped", folder, math.nan)
    with StopFile(stop):
        outcome = run(config, folder=folder)
    if outcome.signal:
        stop.touch()
    return outcome


def _run(config: TrainConfig, folder: Path) -> Outcome:
    """Train; in a job of submitit's, a signal is its to judge once our checkpoint is written.

    It queues the job again at SIGUSR2, which ends this process. It passes over SIGTERM, which SLURM sends first where
    another job needs the machine: the run goes on for as long as it is let.
    """
    while True:
        outcome = run(config, folder=folder)
        if outcome.status != "stopped" or "SUBMITIT_EXECUTOR" not in os.environ:
            return outcome
        print(outcome.message, flush=True)
        signal.raise_signal(outcome.signal)
        config.resume = "true"


def write_failure(folder: Path, overrides: Sequence[str], reason: str, trace: str = "") -> None:
    """Write `failure.json` of a run; the reason stays in the report where its folder can't be written."""
    when = time.strftime("%Y-%m-%d %H:%M:%S")
    facts = {"reason": reason, "overrides": list(overrides), "host": socket.gethostname(), "time": when}
    try:
        write_json(folder / "failure.json", facts | {"traceback": trace})
    except OSError as error:
        print(f"letterocr: {folder / 'failure.json'} can't be written ({error.strerror}).", file=sys.stderr, flush=True)


def _locate_record(sweep: Path, overrides: Sequence[str]) -> Path:
    name = hashlib.sha256("\n".join(overrides).encode()).hexdigest()[:16]
    return sweep / "runs" / f"{name}.json"


def _list_records(sweep: Path) -> set[Path]:
    """The records that there are: listed, as a network file system may say for a while that a new file is not there."""
    return set(sweep.glob("runs/*.json"))


def write_record(sweep: Path, overrides: Sequence[str], outcome: Outcome) -> None:
    """Record what became of a run."""
    error = outcome.error if math.isfinite(outcome.error) else None
    facts = {"overrides": list(overrides), "folder": str(outcome.folder), "status": outcome.status, "error": error}
    reason = outcome.message if outcome.status in ("running", "failed") else ""
    if outcome.status == "diverged":
        last = max(read_json(outcome.folder / "result.json")["diverged"].values())
        reason = f"at sample {last + 1:,} ({outcome.folder})"
    write_json(_locate_record(sweep, overrides), facts | {"reason": reason})


def read_record(sweep: Path, overrides: Sequence[str]) -> dict[str, Any] | None:
    """What is recorded of a run."""
    path = _locate_record(sweep, overrides)
    return _read_updated(path) if path.exists() else None


def _read_updated(path: Path) -> dict[str, Any]:
    """A record; a run that another process trained may be over by now."""
    facts = read_json(path)
    result = read_json(Path(facts["folder"]) / "result.json") if facts["status"] == "running" else {}
    if result:
        facts |= {"status": result["status"], "error": result["error"], "reason": ""}
    return facts


def launch(launcher: Any, job_overrides: Sequence[Sequence[str]], start: Start) -> list[Any]:
    """Launch the runs that are missing, each once; returns Hydra's results of all of them, in order.

    Args:
        launcher: a Hydra launcher that has been set up.
        job_overrides: the overrides of each run.
        start: launches runs of the sweep in that folder and waits for them; returns, by their places, what to say of
            those that left no record.

    Raises:
        HydraException: the config of a run can't be composed; none of these runs has begun.
    """
    from hydra.core.utils import JobReturn, JobStatus

    sweep = Path(str(launcher.config.hydra.sweep.dir))
    missing: dict[Path, Missing] = {}
    same: dict[int, list[str]] = {}  # number: the overrides of an earlier run that is the same
    for number, overrides in enumerate(map(list, job_overrides)):
        read = make_reader(launcher, overrides)
        if attempt(read, overrides, sweep, look_only=True) is None:
            config, folder = read()
            same[number] = missing.setdefault(folder, Missing(overrides, config, folder)).overrides
    if missing:
        print(f"{len(missing)} of {len(job_overrides)} runs to train.", flush=True)
        runs = list(missing.values())
        paths = [_locate_record(sweep, run_.overrides) for run_ in runs]
        for path in _list_records(sweep) & set(paths):
            path.unlink(missing_ok=True)  # of an earlier try
        why = start(runs, sweep)
        written = _list_records(sweep)
        for number, (path, run_) in enumerate(zip(paths, runs, strict=True)):
            if path not in written:
                reason = why.get(number, "its process ended without a word.")
                write_failure(run_.folder, run_.overrides, reason)
                write_record(sweep, run_.overrides, Outcome("failed", run_.folder, math.nan, reason))
    returns = []
    for number, overrides in enumerate(map(list, job_overrides)):
        facts = read_record(sweep, same.get(number, overrides)) or {}
        error = facts.get("error")
        value = math.nan if error is None else error
        returns.append(JobReturn(overrides=overrides, status=JobStatus.COMPLETED, _return_value=value))
    return returns


def make_reader(launcher: Any, overrides: list[str]) -> Read:
    """Reads the config of one run as its own process would.

    Raises:
        HydraException: it can't be composed.
    """
    from omegaconf import open_dict

    from letterocr.run.folder import locate_run

    cfg = launcher.hydra_context.config_loader.load_sweep_config(launcher.config, overrides)
    with open_dict(cfg):
        del cfg["hydra"]
    return functools.cache(functools.partial(locate_run, cfg, overrides))


def print_report(sweep: Path) -> int:
    """Print what became of the runs of a sweep; returns the exit status."""
    facts = [_read_updated(path) for path in _list_records(sweep)]
    facts.sort(key=lambda run: (ORDER.index(run["status"]), run["overrides"]))
    counts = Counter(run["status"] for run in facts)
    common = set.intersection(*(set(run["overrides"]) for run in facts)) if len(facts) > 1 else set()
    parts = [f"{counts[status]} {WORDS.get(status, status)}" for status in ORDER if counts[status]]
    print(f"Sweep of {len(facts)} run{'s' * (len(facts) != 1)}: {', '.join(parts)}.")
    for run_ in facts:
        name = " ".join(part for part in run_["overrides"] if part not in common) or Path(run_["folder"]).name
        if run_["status"] != "finished":
            reason = run_["reason"] or run_["folder"]
            print(f"  {WORDS.get(run_['status'], run_['status'])}: {name}: {reason}")
    if counts["failed"] or counts["running"] or counts["stopped"]:
        print("Ask for the same sweep again to train what is missing.", flush=True)
    return 1 if counts["failed"] else RunningError.status if counts["running"] else 0
