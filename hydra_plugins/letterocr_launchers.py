"""Hydra's sweeper, and its launchers for joblib and SLURM, for sweeps that train what is missing.

Hydra takes sweepers and launchers only from a module of this package, which it loads in a way that dataclasses with
postponed annotations do not bear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from hydra_plugins.hydra_submitit_launcher.config import SlurmQueueConf
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher
from omegaconf import DictConfig


class Grid(BasicSweeper):
    """Every combination of the values, as Hydra's own sweeper, but configs are composed fast."""

    def setup(self, *, hydra_context: HydraContext, **rest: Any) -> None:
        """Give launchers the fast loader."""
        from letterocr.sweep.loader import SweepLoader

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
        from letterocr.sweep import launching, sweep

        return sweep.launch(self, job_overrides, launching.processes(self.n_jobs))


class Slurm(SlurmLauncher):
    """Jobs of a SLURM array, by submitit."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        """Launch what is missing."""
        from letterocr.sweep import launching, sweep

        return sweep.launch(self, job_overrides, launching.jobs(self.params))


@dataclass
class LocalConfig:
    """The field of conf/launcher/local.yaml."""

    _target_: str = f"{__name__}.Local"
    n_jobs: int = -1


@dataclass
class SlurmConfig(SlurmQueueConf):
    """The fields of conf/launcher/slurm_cpu.yaml: submitit's, and how many runs share a job."""

    _target_: str = f"{__name__}.Slurm"
    runs_per_job: int = 1


for name, schema in {"processes": LocalConfig, "slurm": SlurmConfig}.items():
    ConfigStore.instance().store(name, schema, group="hydra/launcher", provider="letterocr")
