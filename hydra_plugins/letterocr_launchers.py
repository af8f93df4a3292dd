"""Hydra's sweeper, and its launchers for joblib and SLURM, for sweeps that train what is missing.

Hydra takes sweepers and launchers only from a module of this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher
from omegaconf import DictConfig


class Grid(BasicSweeper):
    """Every combination of the values, as Hydra's own sweeper, but configs are composed fast."""

    def setup(self, *, hydra_context: HydraContext, **rest: Any) -> None:
        """Give launchers, and the processes that they start, the fast loader."""
        from letterocr.sweep_loader import SweepLoader

        loader: Any = hydra_context.config_loader
        super().setup(hydra_context=HydraContext(SweepLoader(loader), hydra_context.callbacks), **rest)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Compose every config before the first run begins, unless our launchers, which do so, would do it again."""
        if not isinstance(self.launcher, Local | Slurm):
            super().validate_batch_is_legal(batch)


class Local(Launcher):
    """Processes of this machine, by joblib.

    Args:
        n_jobs: runs at once; -1: as many as cores.
    """

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs

    def setup(self, *, hydra_context: HydraContext, config: DictConfig, **rest: Any) -> None:
        """Keep what composes the configs of runs."""
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        """Launch what is missing."""
        from letterocr import launching, sweep

        start = launching.processes(self.n_jobs, Path(str(self.config.hydra.sweep.dir)))
        return sweep.launch(self, job_overrides, initial_job_idx, start)


class Slurm(SlurmLauncher):
    """Jobs of a SLURM array, by submitit."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        """Launch what is missing."""
        from letterocr import launching, sweep

        return sweep.launch(self, job_overrides, initial_job_idx, launching.jobs(self))
