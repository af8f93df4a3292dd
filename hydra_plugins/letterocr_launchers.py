"""Hydra's launchers for joblib and SLURM, for sweeps that train what is missing and survive what dies.

Hydra takes a launcher only from a module of this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra_plugins.hydra_joblib_launcher.joblib_launcher import JoblibLauncher
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher


class Local(JoblibLauncher):
    """Processes of this machine, by joblib."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        """Launch what is missing."""
        from letterocr import launching, sweep

        start = launching.processes(super().launch, self)
        return sweep.launch(self, job_overrides, initial_job_idx, start)


class Slurm(SlurmLauncher):
    """Jobs of a SLURM array, by submitit."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        """Launch what is missing."""
        from letterocr import launching, sweep

        return sweep.launch(self, job_overrides, initial_job_idx, launching.jobs(self))
