"""Launcher back ends: joblib processes and submitit arrays, which train the missing runs of a sweep.

A process or job usually trains several runs, one after another.
"""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.errors import UserError, end_quietly
from letterocr.base.signals import StopFile, StoppedError
from letterocr.base.untrusted import describe_writers
from letterocr.run.outcome import Outcome
from letterocr.sweep import slurm
from letterocr.sweep.attempt import train_attempt
from letterocr.sweep.ledger import find_record
from letterocr.sweep.missing import MissingRun, Start
from letterocr.sweep.processes import TRIES, count_processes, run_in_processes
from letterocr.sweep.shared_jobs import share_out, train_team

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

PER_JOB = "hydra.launcher.runs_per_job"
AUTO = "auto"  # runs that can train side by side share a job


def train_missing(run: MissingRun, stop: StopFile | None, sweep: Path) -> Outcome:
    """Train and record one run, in a process that trains many.

    Args:
        run: the run.
        stop: file that ends the run, as for `train_attempt`.
        sweep: folder of the sweep.
    """
    with end_quietly():
        outcome = train_attempt(lambda: (run.config, run.folder), run.overrides, sweep, stop)
        if outcome.message:
            print(outcome.message, flush=True)
    return outcome


def start_processes(n_jobs: int) -> Start:
    """Return a function that trains runs in processes of this machine.

    A process gets the run's config and nothing of Hydra, because copying Hydra's objects takes longer than a short run.

    Args:
        n_jobs: number of processes; -1 for the number of cores.

    Raises:
        UserError: `n_jobs` is neither -1 nor at least 1.
    """
    if n_jobs < 1 and n_jobs != -1:
        raise UserError(f"hydra.launcher.n_jobs={n_jobs}: must be at least 1, or -1 for the number of cores.")

    def start(runs: Sequence[MissingRun], sweep: Path) -> dict[int, str]:
        work = functools.partial(train_missing, sweep=sweep)
        try:
            with closing(run_in_processes(work, runs, count_processes(n_jobs))) as results:
                done = {place for place, _ in results}
        except StoppedError as error:
            what = "; the runs that trained wrote checkpoints. Give the same command again to continue."
            again = f"{error.what}; the runs continue from their last checkpoints."
            raise StoppedError(error.number, again if error.what else what) from None
        reason = f"its process was killed {TRIES} times (out of memory?)."
        return {place: reason for place in range(len(runs)) if place not in done}

    return start


def _is_recorded(sweep: Path, run: MissingRun) -> bool:
    """Return whether the run is over; a run that was running may have been so when the sweep was started again."""
    record = find_record(sweep, run.overrides)
    return record is not None and record.status not in ("running", "stopped")


class SlurmWork:
    """The work of a SLURM job: its runs, one after another."""

    def __call__(self, runs: Sequence[MissingRun], sweep: Path) -> None:
        """Train the runs, except those that this job finished before it was queued again."""
        for run in runs:
            if not _is_recorded(sweep, run):
                number = train_missing(run, None, sweep).signal
                if number:  # the signal came as the run ended; submitit handles it
                    signal.raise_signal(number)

    def checkpoint(self, runs: Sequence[MissingRun], sweep: Path) -> DelayedSubmission:
        """Return the work that submitit queues again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, runs, sweep)


class TeamWork(SlurmWork):
    """The work of a SLURM job whose runs train side by side."""

    def __call__(self, runs: Sequence[MissingRun], sweep: Path) -> None:
        """Train the runs, except those that this job finished before it was queued again."""
        with end_quietly():
            while left := [run for run in runs if not _is_recorded(sweep, run)]:
                number = train_team(left, sweep)
                if not number:
                    return
                signal.raise_signal(number)  # submitit queues the job again, or ignores it


def start_jobs(params: dict[str, Any]) -> Start:
    """Return a function that submits an array of SLURM jobs, and waits until each has a result or has left the queue.

    Args:
        params: the fields of `hydra.launcher`, see conf/launcher/slurm_cpu.yaml.

    Raises:
        UserError: `runs_per_job` is neither `auto` nor at least 1.
    """
    size = params["runs_per_job"]
    if size != AUTO and (not isinstance(size, int) or size < 1):
        raise UserError(f"{PER_JOB}={size}: must be at least 1, or {AUTO} for runs that train side by side on a GPU.")

    def start(runs: Sequence[MissingRun], sweep: Path) -> dict[int, str]:
        numbers = list(range(len(runs)))
        places = share_out(runs) if size == AUTO else [numbers[a : a + size] for a in range(0, len(runs), size)]
        shares = [[runs[place] for place in share] for share in places]
        if sentence := describe_writers(sweep.absolute()):
            print(sentence, flush=True)
        jobs = _submit(params, shares, sweep)
        name = jobs[0].name.partition("_")[0]
        counts = f"{len(runs)} run{'s' * (len(runs) != 1)} in {len(shares)} job{'s' * (len(shares) != 1)}"
        print(f"SLURM job {name}: {counts}; output in {jobs[0].log.parent.parent}", flush=True)
        try:
            reasons = slurm.wait_for_array(jobs)
        except StoppedError:
            what = f"SLURM job {name} goes on: give the same command again to see its runs, or end it: scancel {name}"
            print(what, file=sys.stderr, flush=True)
            raise
        print(f"SLURM job {name} is over.", flush=True)
        return {place: reason for share, reason in zip(places, reasons, strict=True) for place in share}

    return start


def _submit(params: dict[str, Any], shares: Sequence[Sequence[MissingRun]], sweep: Path) -> list[slurm.ArrayJob]:
    if not slurm.is_installed():
        raise UserError("There is no SLURM here (no sbatch): use a login node of the cluster, or take launcher=local.")
    options = {name: value for name, value in params.items() if name != "runs_per_job"}
    folder, timeouts = options.pop("submitit_folder"), options.pop("max_num_timeout")
    try:
        work = TeamWork() if params["runs_per_job"] == AUTO else SlurmWork()
        return slurm.submit_array(work, [(share, sweep) for share in shares], folder, options, timeouts)
    except slurm.SlurmError as error:
        mend = "see hydra.launcher.*"
        if any(word in error.reason.lower() for word in ("array", "limit")):
            mend = f"{len(shares):,} may be more than it takes at once; put several runs in a job: {PER_JOB}"
        raise UserError(f"SLURM refuses the jobs ({error.reason}): {mend}.") from error
