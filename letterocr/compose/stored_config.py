"""The config that a run folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.config.data import SourceConfig
from letterocr.config.identity import drop_implied
from letterocr.config.model.network import NetworkConfig, imply_kind
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.train import TrainConfig


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
        model, data, optimizer = _find_schemas(stored)
        schema = OmegaConf.structured(TrainConfig(model(), data(), optimizer()))
        config: Any = OmegaConf.to_object(OmegaConf.merge(schema, stored))
    except (OmegaConfBaseException, YAMLError, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} can't be read as a config ({reason}): give the run's command again.") from error
    config.output = str(folder.resolve().parent)
    return config


def select_settings(stored: dict[str, Any]) -> dict[str, Any]:
    """The fields of a stored config that tell runs apart, whenever it was stored.

    Args:
        stored: as plain dictionaries; fields may be missing, and what they choose may be no longer there.
    """
    try:
        schemas = _find_schemas(stored)
    except (KeyError, TypeError, AttributeError):
        schemas = NetworkConfig, SourceConfig, MethodConfig
    return drop_implied(stored, *schemas)


def _find_schemas(stored: Any) -> tuple[type, type, type]:
    """The config dataclasses of network, letters and optimizer.

    Raises:
        KeyError, TypeError, AttributeError: the config does not say, or there are none such.
    """
    model = stored["model"]
    kind = model.get("kind") or imply_kind(model["name"])
    return registry.find_stored_schemas(kind, stored["data"]["name"], stored["optimizer"]["name"])
