"""Hydra's sweeper and launchers for sweeps that train only what is missing.

Hydra takes sweepers and launchers only from a module of this package. It loads the module in a way that does not allow
dataclasses with postponed annotations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from hydra_plugins.hydra_submitit_launcher.config import SlurmQueueConf
from omegaconf import DictConfig, OmegaConf


class Grid(BasicSweeper):
    """Sweeps over every combination of the values, as Hydra's own sweeper does, but composes configs faster."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Give the launchers the fast config loader."""
        from letterocr.sweep.loader import SweepLoader

        context = HydraContext(SweepLoader(hydra_context.config_loader), hydra_context.callbacks)
        super().setup(hydra_context=context, task_function=task_function, config=config)

    @staticmethod
    def split_arguments(overrides: list[Override], max_batch_size: int | None) -> list[list[list[str]]]:
        """Return the overrides of each run, in batches.

        Raises:
            UserError: there is no run, or a field has a range of all numbers.
        """
        from letterocr.sweep.missing import check_values

        check_values(overrides)
        batches: list[list[list[str]]] = BasicSweeper.split_arguments(overrides, max_batch_size)
        return batches

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Compose every config before the first run starts, unless the launcher is ours and does so itself."""
        if not isinstance(self.launcher, Local | Slurm):
            super().validate_batch_is_legal(batch)


class Local(Launcher):
    """Trains runs in processes of this machine.

    Args:
        n_jobs: number of runs at once; -1 for the number of cores.
    """

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what is needed to compose the configs of runs."""
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Launch the missing runs."""
        from letterocr.sweep import launchers, missing

        return missing.launch(self.hydra_context, self.config, job_overrides, launchers.start_processes(self.n_jobs))


class Slurm(Launcher):
    """Trains runs in the jobs of a SLURM array, by submitit.

    Args:
        **params: the fields of conf/launcher/slurm_cpu.yaml.
    """

    def __init__(self, **params: Any) -> None:
        self.params = {
            name: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
            for name, value in params.items()
        }

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what is needed to compose the configs of runs."""
        self.hydra_context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Launch the missing runs."""
        from letterocr.sweep import launchers, missing

        return missing.launch(self.hydra_context, self.config, job_overrides, launchers.start_jobs(self.params))


@dataclass
class LocalConfig:
    """The field of conf/launcher/local.yaml."""

    _target_: str = f"{__name__}.Local"
    n_jobs: int = -1


@dataclass
class SlurmConfig(SlurmQueueConf):
    """The fields of conf/launcher/slurm_cpu.yaml: those of submitit, and the number of runs in a job."""

    _target_: str = f"{__name__}.Slurm"
    runs_per_job: Any = 1  # a whole number, or "auto"


for name, schema in {"processes": LocalConfig, "slurm": SlurmConfig}.items():
    ConfigStore.instance().store(name, schema, group="hydra/launcher", provider="letterocr")
