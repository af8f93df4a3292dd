"""Starts the workers of a study: processes of this machine, or a SLURM array."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from letterocr.base.errors import UserError


def command(folder: Path, trials: int, threads: int = 0) -> list[str]:
    """What a worker is, as a command."""
    own = [sys.executable, "-m", "letterocr.search", "worker", str(folder.resolve()), "--trials", str(trials)]
    return own + (["--threads", str(threads)] if threads else [])


def local(folder: Path, trials: int, workers: int) -> list[int]:
    """Run that many processes to their end, each with its share of the cores; their exit statuses.

    A signal to this process ends them at a whole sample, with a checkpoint.
    """
    threads = max(1, len(os.sched_getaffinity(0)) // workers)
    processes = [subprocess.Popen(command(folder, trials, threads)) for _ in range(workers)]
    try:
        return [process.wait() for process in processes]
    except BaseException:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        raise


def slurm(folder: Path, trials: int, workers: int, options: Sequence[str]) -> str:
    """Submit an array of that many workers; the job's id.

    Raises:
        UserError: sbatch is not there, or refuses.
    """
    logs = folder.resolve() / "workers"
    logs.mkdir(parents=True, exist_ok=True)
    own = ["sbatch", "--parsable", f"--array=0-{workers - 1}", "--job-name=letterocr-search", "--requeue"]
    own += [f"--output={logs}/slurm-%A_%a.log", f"--chdir={Path.cwd()}", *options]
    own.append(f"--wrap=exec {shlex.join(command(folder, trials))}")
    try:
        done = subprocess.run(own, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise UserError("--launcher=slurm: there is no sbatch on this machine; take --launcher local.") from error
    if done.returncode:
        raise UserError(f"--launcher=slurm: sbatch refuses: {' '.join(done.stderr.split())}.")
    return done.stdout.strip().partition(";")[0]
