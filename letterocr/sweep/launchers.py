"""How a sweep's missing runs are trained: in processes of this machine, or in SLURM jobs; neither ends with one run."""

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
from letterocr.run.outcome import Outcome
from letterocr.sweep import slurm
from letterocr.sweep.attempt import train_attempt
from letterocr.sweep.ledger import find_record
from letterocr.sweep.missing import MissingRun, Start
from letterocr.sweep.processes import TRIES, count_processes, run_in_processes

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

PER_JOB = "hydra.launcher.runs_per_job"


def train_missing(run: MissingRun, stop: StopFile | None, sweep: Path) -> Outcome:
    """Train one run, in a process that trains many; it leaves a record. `stop` as for `train_attempt`."""
    with end_quietly():
        outcome = train_attempt(lambda: (run.config, run.folder), run.overrides, sweep, stop)
        if outcome.message:
            print(outcome.message, flush=True)
    return outcome


def start_processes(n_jobs: int) -> Start:
    """Train in processes of this machine.

    A process gets the run's config and nothing of Hydra's, whose copies of it take longer than a short run.

    Args:
        n_jobs: processes; -1: as many as cores.
    """
    if n_jobs < 1 and n_jobs != -1:
        raise UserError(f"hydra.launcher.n_jobs={n_jobs}: must be at least 1, or -1 for as many as cores.")

    def start(runs: Sequence[MissingRun], sweep: Path) -> dict[int, str]:
        work = functools.partial(train_missing, sweep=sweep)
        try:
            with closing(run_in_processes(work, runs, count_processes(n_jobs))) as results:
                done = {place for place, _ in results}
        except StoppedError as error:
            what = "; the runs that trained wrote checkpoints. Ask for the same sweep again to go on."
            again = f"{error.what}; the runs go on from their last checkpoints."
            raise StoppedError(error.number, again if error.what else what) from None
        reason = f"its process was killed {TRIES} times (out of memory?)."
        return {place: reason for place in range(len(runs)) if place not in done}

    return start


class SlurmWork:
    """What a SLURM job does: its runs, one after the other."""

    def __call__(self, runs: Sequence[MissingRun], sweep: Path) -> None:
        """Train those that this job had not ended before it was queued again."""
        for run in runs:
            record = find_record(sweep, run.overrides)
            if record is None or record.status == "running":  # so it was when the sweep was asked for once more
                number = train_missing(run, None, sweep).signal
                if number:  # it came as the run ended; submitit's to judge
                    signal.raise_signal(number)

    def checkpoint(self, runs: Sequence[MissingRun], sweep: Path) -> DelayedSubmission:
        """What submitit queues again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, runs, sweep)


def start_jobs(params: dict[str, Any]) -> Start:
    """Submit an array of SLURM jobs, and wait until each has a result or is no longer in the queue.

    Args:
        params: `hydra.launcher`, see conf/launcher/slurm_cpu.yaml.
    """
    size = params["runs_per_job"]
    if size < 1:
        raise UserError(f"{PER_JOB}={size}: must be at least 1.")

    def start(runs: Sequence[MissingRun], sweep: Path) -> dict[int, str]:
        shares = [runs[place : place + size] for place in range(0, len(runs), size)]
        jobs = _submit(params, shares, sweep)
        name = jobs[0].name.partition("_")[0]
        counts = f"{len(runs)} run{'s' * (len(runs) != 1)} in {len(shares)} job{'s' * (len(shares) != 1)}"
        print(f"SLURM job {name}: {counts}; output in {jobs[0].log.parent.parent}", flush=True)
        try:
            reasons = slurm.wait_for_array(jobs)
        except StoppedError:
            what = f"The jobs of {name} go on: ask for the same sweep again to see them, or end them: scancel {name}"
            print(what, file=sys.stderr, flush=True)
            raise
        print(f"SLURM job {name} is over.", flush=True)
        return {number: reasons[number // size] for number in range(len(runs))}

    return start


def _submit(params: dict[str, Any], shares: Sequence[Sequence[MissingRun]], sweep: Path) -> list[slurm.ArrayJob]:
    if not slurm.is_installed():
        raise UserError("There is no SLURM here (no sbatch): use a login node of the cluster, or take launcher=local.")
    options = {name: value for name, value in params.items() if name != "runs_per_job"}
    folder, timeouts = options.pop("submitit_folder"), options.pop("max_num_timeout")
    try:
        return slurm.submit_array(SlurmWork(), [(share, sweep) for share in shares], folder, options, timeouts)
    except slurm.SlurmError as error:
        mend = "see hydra.launcher.*"
        if any(word in error.reason.lower() for word in ("array", "limit")):
            mend = f"{len(shares):,} may be more than it takes at once; put several runs in a job: {PER_JOB}"
        raise UserError(f"SLURM refuses the jobs ({error.reason}): {mend}.") from error
