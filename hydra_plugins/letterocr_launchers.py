"""Hydra's sweeper, and its launchers for joblib and SLURM, for sweeps that train what is missing.

Hydra takes sweepers and launchers only from a module of this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.types import HydraContext
from hydra_plugins.hydra_joblib_launcher.joblib_launcher import JoblibLauncher
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher


class Grid(BasicSweeper):
    """Every combination of the values, as Hydra's own sweeper, but configs are composed fast."""

    def setup(self, *, hydra_context: HydraContext, **rest: Any) -> None:
        """Give launchers, and the processes that they start, the fast loader."""
        from letterocr.sweep_loader import SweepLoader

        loader: Any = hydra_context.config_loader
        super().setup(hydra_context=HydraContext(SweepLoader(loader), hydra_context.callbacks), **rest)


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
