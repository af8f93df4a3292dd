"""Hydra's sweeper, and its launchers for processes and SLURM, for sweeps that train what is missing.

Hydra takes sweepers and launchers only from a module of this package, which it loads in a way that dataclasses with
postponed annotations do not bear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from hydra_plugins.hydra_submitit_launcher.config import SlurmQueueConf
from omegaconf import DictConfig, OmegaConf


class Grid(BasicSweeper):
    """Every combination of the values, as Hydra's own sweeper, but configs are composed fast."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Give launchers the fast loader."""
        from letterocr.sweep.loader import SweepLoader

        context = HydraContext(SweepLoader(hydra_context.config_loader), hydra_context.callbacks)
        super().setup(hydra_context=context, task_function=task_function, config=config)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Compose every config before the first run begins, unless our launchers, which do so, would do it again."""
        if not isinstance(self.launcher, Local | Slurm):
            super().validate_batch_is_legal(batch)


class Local(Launcher):
    """Processes of this machine.

    Args:
        n_jobs: runs at once; -1: as many as cores.
    """

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what composes the configs of runs."""
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Launch what is missing."""
        from letterocr.sweep import launchers, missing

        return missing.launch(self.hydra_context, self.config, job_overrides, launchers.start_processes(self.n_jobs))


class Slurm(Launcher):
    """Jobs of a SLURM array, by submitit.

    Args:
        params: the fields of conf/launcher/slurm_cpu.yaml.
    """

    def __init__(self, **params: Any) -> None:
        self.params = {
            name: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
            for name, value in params.items()
        }

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what composes the configs of runs."""
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Launch what is missing."""
        from letterocr.sweep import launchers, missing

        return missing.launch(self.hydra_context, self.config, job_overrides, launchers.start_jobs(self.params))


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
