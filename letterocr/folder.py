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
import json
import platform
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from letterocr import __version__, registry
from letterocr.config import TrainConfig, identity, plain
from letterocr.errors import UserError
from letterocr.files import write_json, write_text


def folder_of(config: TrainConfig) -> Path:
    """Where this run lives: a readable name and its identity, below `output`."""
    name = re.sub(r"[^\w.-]", "_", f"{config.model.name}-{config.rule}-{config.data.name}-{identity(config)}")
    return Path(config.output).expanduser() / name


def write_config(folder: Path, config: TrainConfig, later: bool = False) -> None:
    """Store the resolved config, so that the folder alone is enough to go on, from any working directory.

    `later` as for `files.replacing`: for a run without a checkpoint, which has nothing to lose yet.
    """
    stored = plain(config)
    if stored["data"].get("path"):
        stored["data"]["path"] = str(Path(stored["data"]["path"]).expanduser().resolve())
    write_text(folder / "config.yaml", _yaml(stored), later)


def _yaml(stored: dict[str, Any]) -> str:
    """As OmegaConf writes it, in a tenth of the time."""
    import yaml

    return yaml.dump(stored, Dumper=_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False)


@functools.cache
def _dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """Quotes every text that might be taken for a number: OmegaConf takes 1e3 for one, YAML does not."""

    def text(dumper: Any, value: str) -> Any:
        style = "'" if re.match(r"[-+.\d]|inf|nan", value, re.IGNORECASE) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)

    Dumper.add_representer(str, text)
    return Dumper


def read_config(folder: Path) -> TrainConfig:
    """The config that a run folder holds; `output` is where the folder is now.

    Raises:
        UserError: the folder is no run folder, or its config can't be read.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    path = folder / "config.yaml"
    if not path.is_file():
        raise UserError(f"{folder} is no run folder: it has no config.yaml. Give the folder that train printed.")
    try:
        stored: Any = OmegaConf.load(path)
        schema: Any = OmegaConf.structured(TrainConfig)
        schema.data = OmegaConf.structured(registry.DATA[stored.data.name].schema)
        schema.optimizer = OmegaConf.structured(registry.optimizer_named(stored.optimizer.name).schema)
        config: Any = OmegaConf.to_object(OmegaConf.merge(schema, stored))
    except (OmegaConfBaseException, YAMLError, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} can't be read as a config ({reason}): give the run's command again.") from error
    config.output = str(folder.resolve().parent)
    return config


def write_environment(folder: Path, facts: dict[str, Any], later: bool = False) -> None:
    """Store the versions that the run ran with, and further facts; `later` as for `write_config`."""
    import numpy
    import torch

    versions = {"letterocr": __version__, "python": platform.python_version()}
    versions |= {"torch": torch.__version__, "numpy": numpy.__version__, "platform": platform.platform()}
    write_json(folder / "environment.json", versions | facts, later)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of the run folder; empty if it is not there.

    Raises:
        UserError: it is damaged.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict):
            raise ValueError("it holds no names and values")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it and ask for the run again.") from error
    return facts


def hyperparameters(config: Any, prefix: str = "") -> dict[str, bool | int | float | str]:
    """Every field that can change the result, flat, for TensorBoard's HParams tab."""
    flat: dict[str, bool | int | float | str] = {}
    for f in fields(config):
        value = getattr(config, f.name)
        if f.metadata["runtime"]:
            continue
        if hasattr(value, "__dataclass_fields__"):
            flat |= hyperparameters(value, f"{prefix}{f.name}.")
        else:
            flat[prefix + f.name] = value if isinstance(value, bool | int | float | str) else str(value)
    return flat


def clear(folder: Path) -> None:
    """Remove what an earlier run of the same config left in its folder, and nothing else."""
    for pattern in ("result.json", "checkpoints/*", "events.out.*", "*.parquet", "environment.json"):
        for path in folder.glob(pattern):
            path.unlink()


def clear_temporary(folder: Path) -> None:
    """Remove the temporary files that a killed process left in the run folder."""
    for path in folder.rglob(".*.tmp"):
        path.unlink()
