"""The run folder: its name, and the files that say what the run is and what it came to.

config.yaml        the resolved config
environment.json   versions, device, threads, SLURM job, fingerprint of the letters
curve.parquet      loss, training error and test error after every sample
diagnostics.parquet  ranks, angles and curvature at log-spaced samples, with diagnostics=rank
checkpoints/       the newest two
events.out.*       for TensorBoard
result.json        status, errors and time; there once the run is over
failure.json       why it failed in a sweep; gone as soon as it is tried again
lock.N.json        the process that trains it; see lock.py
"""

from __future__ import annotations

import functools
import platform
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.base.files import write_json, write_text
from letterocr.base.owner import read_slurm_job
from letterocr.base.threads import count_threads
from letterocr.base.version import __version__
from letterocr.compose.from_overrides import resolve_config
from letterocr.config.identity import compute_identity, select_identity, to_plain
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.run.curve import Curve


def locate_folder(config: TrainConfig) -> Path:
    """Where this run lives: a readable name and its identity, below `output`."""
    name = re.sub(r"[^\w.-]", "_", f"{config.model.name}-{config.rule}-{config.data.name}-{compute_identity(config)}")
    return Path(config.output).expanduser() / name


def write_config(folder: Path, config: TrainConfig, later: bool = False) -> None:
    """Store the resolved config, so that the folder alone is enough to go on, from any working directory.

    `later` as for `files.replace_file`: for a run without a checkpoint, which has nothing to lose yet.
    """
    stored = to_plain(config)
    if stored["data"].get("path"):
        stored["data"]["path"] = str(Path(stored["data"]["path"]).expanduser().resolve())
    write_text(folder / "config.yaml", _format_yaml(stored), later)


def _format_yaml(stored: dict[str, Any]) -> str:
    """As OmegaConf writes it, in a tenth of the time."""
    import yaml

    return yaml.dump(stored, Dumper=_make_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False)


@functools.cache
def _make_dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """Quotes every text that might be taken for a number: OmegaConf takes 1e3 for one, YAML does not."""

    def text(dumper: Any, value: str) -> Any:
        style = "'" if re.match(r"[-+.\d]|inf|nan", value, re.IGNORECASE) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)

    Dumper.add_representer(str, text)
    return Dumper


def write_environment(folder: Path, facts: dict[str, Any], later: bool = False) -> None:
    """Store the versions that the run ran with, and further facts; `later` as for `write_config`."""
    import numpy

    versions = {"letterocr": __version__, "python": platform.python_version()}
    versions |= {"torch": torch.__version__, "numpy": numpy.__version__, "platform": platform.platform()}
    write_json(folder / "environment.json", versions | facts, later)


def list_hyperparameters(config: TrainConfig) -> dict[str, bool | int | float | str]:
    """Every field that tells runs apart, flat, for TensorBoard's HParams tab."""
    flat: dict[str, bool | int | float | str] = {}
    for name, value in select_identity(config).items():
        section = name in ("model", "data", "optimizer")
        for path, own in [(f"{name}.{key}", v) for key, v in value.items()] if section else [(name, value)]:
            flat[path] = own if isinstance(own, bool | int | float | str) else str(own)
    return flat


def check_space(folder: Path, state: Mapping[str, Tensor], curve: Curve) -> None:
    """Make the folder, and see that it has room for the run.

    Args:
        folder: the run folder.
        state: what a checkpoint holds.
        curve: of the run.

    Raises:
        UserError: there may be too little room.
    """
    needed = 3 * sum(tensor.nbytes for tensor in state.values()) + 40 * curve.loss.size + 20_000_000
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{folder} has {free / 1e6:.0f} MB free and this run may need {needed / 1e6:.0f} MB: "
            "make room or take another output=."
        )


def prepare_folder(
    folder: Path, config: TrainConfig, split: Split, rates: list[float], device: torch.device, resume: bool
) -> None:
    """Clear the folder as far as the run does not go on from it, and write what the run is.

    Args:
        folder: the run folder.
        config: the run.
        split: its letters.
        rates: alpha of each replica.
        device: where it computes.
        resume: whether it goes on.
    """
    if not resume:
        clear_folder(folder)
    clear_temporary(folder)
    write_config(folder, config, later=not resume)
    facts: dict[str, Any] = {"device": str(device), "threads": count_threads(config.threads)}
    facts |= {"letters": split.fingerprint(), "alphabet": split.train.alphabet}
    facts |= {"box": split.train.box(), "learning_rates": rates}
    facts |= {"job": read_slurm_job()} if read_slurm_job() else {}
    write_environment(folder, facts, later=not resume)


def clear_folder(folder: Path) -> None:
    """Remove what an earlier run of the same config left in its folder, and nothing else."""
    for pattern in ("result.json", "checkpoints/*", "events.out.*", "*.parquet", "environment.json"):
        for path in folder.glob(pattern):
            path.unlink()


def clear_temporary(folder: Path) -> None:
    """Remove the temporary files that a killed process left in the run folder."""
    for path in folder.rglob(".*.tmp"):
        path.unlink()


def locate_run(cfg: Any, overrides: list[str]) -> tuple[TrainConfig, Path]:
    """The config of a run from Hydra's, and its folder: the one that `resume` names, or its own."""
    config = resolve_config(cfg, overrides)
    named = str(cfg.resume).lower() not in ("true", "false")
    return config, Path(cfg.resume).expanduser() if named else locate_folder(config)
