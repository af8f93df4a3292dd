"""The engines below a sweep's launchers: processes by joblib, SLURM jobs by submitit; neither ends where a run dies."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError, end_quietly
from letterocr.base.signals import Signals, StoppedError
from letterocr.run.outcome import Outcome
from letterocr.sweep.sweep import Missing, Start, attempt, read_record

POLL_SECONDS = 2.0
GONE_POLLS = 5  # polls without the job in the queue, nor its result, after which it has died
TRIES = 2  # of a run whose process dies
PER_JOB = "hydra.launcher.runs_per_job"


class _Passed(Signals):
    """Tells the runs of a sweep of the first signal, which then write a checkpoint; obeys the second at once."""

    def __init__(self, stop: Path) -> None:
        self.stop = stop

    def _note(self, number: int, frame: Any) -> None:
        if self.received:
            raise StoppedError(number, " a second time; the runs go on from their last checkpoints.")
        super()._note(number, frame)
        self.stop.touch()


def train(run: Missing, sweep: Path, stop: Path | None = None) -> Outcome:
    """One run, in a process that trains many; it leaves a record. `stop` as for `sweep.attempt`."""
    with end_quietly():
        outcome = attempt(lambda: (run.config, run.folder), run.overrides, sweep, stop=stop)
        assert outcome
        if outcome.message:
            print(outcome.message, flush=True)
    return outcome


def processes(n_jobs: int) -> Start:
    """Train in processes of joblib's; where one is killed, joblib ends them all, and what is left starts again.

    A process gets the run's config and nothing of Hydra's, whose copies of it take longer than a short run.

    Args:
        n_jobs: processes; -1: as many as cores.
    """
    if n_jobs < 1 and n_jobs != -1:
        raise UserError(f"hydra.launcher.n_jobs={n_jobs}: must be at least 1, or -1 for as many as cores.")

    def start(runs: Sequence[Missing], sweep: Path) -> dict[int, str]:
        from concurrent.futures import BrokenExecutor

        from joblib import Parallel, delayed

        stop = sweep / "stop"
        stop.unlink(missing_ok=True)
        died = dict.fromkeys(range(len(runs)), 0)
        left, outcomes = list(died), []
        with _Passed(stop) as passed:
            while left and not stop.exists():
                now = [n for n in left if not died[n]] or left[:1]  # a suspect alone, so that no other dies with it
                rest = left[len(now) :]
                try:
                    tasks = (delayed(train)(runs[n], sweep, stop) for n in now if not stop.exists())
                    outcomes = Parallel(n_jobs, batch_size=1)(tasks)
                    left = rest
                except BrokenExecutor:
                    waiting = [n for n in now if read_record(sweep, runs[n].overrides) is None]
                    for n in [n for n in waiting if any(runs[n].folder.glob("lock.*.json"))] or waiting:
                        died[n] += 1
                    left = [*(n for n in waiting if died[n] < TRIES), *rest]
                    left.sort(key=lambda n: died[n])
                    print(f"A process was killed; {len(left)} runs go on.", flush=True)
        if stop.exists():
            what = "; the runs that trained wrote checkpoints. Ask for the same sweep again to go on."
            received = (outcome.signal for outcome in outcomes if outcome.signal)  # by one that trains in this process
            raise StoppedError(passed.received or next(received, signal.SIGTERM), what)
        reason = f"its process was killed {TRIES} times (out of memory?)."
        return {number: reason for number, count in died.items() if count >= TRIES}

    return start


def queued() -> set[str] | None:
    """The ids of this user's jobs that wait or run, as `12` or `12_3`; None where SLURM does not answer."""
    command = ["squeue", "--me", "--noheader", "--array", "--format=%i"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return set(done.stdout.split())


class Job:
    """What a SLURM job does: its runs, one after the other."""

    def __call__(self, runs: Sequence[Missing], sweep: Path) -> None:
        """Train those that this job had not ended before it was queued again."""
        for run in runs:
            facts = read_record(sweep, run.overrides)
            if facts is None or facts["status"] == "running":  # so it was when the sweep was asked for once more
                number = train(run, sweep).signal
                if number:  # it came as the run ended; submitit's to judge
                    signal.raise_signal(number)

    def checkpoint(self, runs: Sequence[Missing], sweep: Path) -> Any:
        """What submitit queues again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, runs, sweep)


def jobs(params: dict[str, Any]) -> Start:
    """Submit an array of jobs, and wait until each has a result or is no longer in the queue.

    Args:
        params: `hydra.launcher`, see conf/launcher/slurm_cpu.yaml.
    """
    size = params["runs_per_job"]
    if size < 1:
        raise UserError(f"{PER_JOB}={size}: must be at least 1.")

    def start(runs: Sequence[Missing], sweep: Path) -> dict[int, str]:
        shares = [runs[place : place + size] for place in range(0, len(runs), size)]
        submitted = _submit(params, shares, sweep)
        name = submitted[0].job_id.partition("_")[0]
        counts = f"{len(runs)} run{'s' * (len(runs) != 1)} in {len(shares)} job{'s' * (len(shares) != 1)}"
        print(f"SLURM job {name}: {counts}; output in {submitted[0].paths.folder.parent}", flush=True)
        try:
            why = _wait(submitted, name)
        except StoppedError:
            what = f"The jobs of {name} go on: ask for the same sweep again to see them, or end them: scancel {name}"
            print(what, file=sys.stderr, flush=True)
            raise
        return {number: why[number // size] for number in range(len(runs))}

    return start


def _submit(params: dict[str, Any], shares: Sequence[Sequence[Missing]], sweep: Path) -> list[Any]:
    if not shutil.which("sbatch"):
        raise UserError("There is no SLURM here (no sbatch): use a login node of the cluster, or take launcher=local.")
    import submitit
    from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf

    params = {name: value for name, value in params.items() if name != "runs_per_job"}
    folder, timeouts = params.pop("submitit_folder"), params.pop("max_num_timeout")
    executor = submitit.AutoExecutor(folder=folder, cluster="slurm", slurm_max_num_timeout=timeouts)
    general = BaseQueueConf.__dataclass_fields__
    executor.update_parameters(**{name if name in general else f"slurm_{name}": v for name, v in params.items()})
    try:
        return executor.map_array(Job(), shares, [sweep] * len(shares))
    except submitit.core.utils.FailedJobError as error:
        lines = [line.split(":", 2)[-1].strip() for line in str(error).splitlines() if line.startswith("sbatch: error")]
        mend = "see hydra.launcher.*"
        if any(word in line.lower() for line in lines for word in ("array", "limit")):
            mend = f"{len(shares):,} may be more than it takes at once; put several runs in a job: {PER_JOB}"
        raise UserError(f"SLURM refuses the jobs ({'; '.join(lines) or error}): {mend}.") from error


def _wait(submitted: Sequence[Any], name: str) -> dict[int, str]:
    """What to say of runs without a record, by the places of their jobs; returns once no job is left."""
    left, missed, why = dict(enumerate(submitted)), dict.fromkeys(range(len(submitted)), 0), {}
    while left:
        ids = queued()
        for place, job in list(left.items()):
            if job.paths.result_pickle.exists():
                what = "ended before this run was over"
            else:
                missed[place] = 0 if ids is None or job.job_id in ids else missed[place] + 1
                if missed[place] < GONE_POLLS:
                    continue
                what = "ended without a result (cancelled, or killed)"
            why[place] = f"SLURM job {job.job_id} {what}; see {job.paths.stderr}."
            del left[place]
        if left:
            time.sleep(POLL_SECONDS)
    print(f"SLURM job {name} is over.", flush=True)
    return why
