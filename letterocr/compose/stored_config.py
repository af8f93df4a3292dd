"""Reading of the config that a run folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.base.home import show_whole
from letterocr.base.untrusted import read_yaml_text
from letterocr.compose import registry
from letterocr.config.check import check_config
from letterocr.config.data import SourceConfig
from letterocr.config.identity import drop_implied
from letterocr.config.model.network import NetworkConfig, imply_kind
from letterocr.config.optimizer.method import MethodConfig
from letterocr.config.train import TrainConfig

WRONG = (AttributeError, KeyError, TypeError, ValueError, AssertionError, RecursionError, OSError)


def read_config(folder: Path) -> TrainConfig:
    """Read the config of a run folder; its field `output` is set to the parent folder as it is now.

    Raises:
        UserError: the folder is not a run folder, or its config can't be read.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    check_run_folder(folder)
    path = folder / "config.yaml"
    try:
        stored: Any = OmegaConf.create(read_yaml_text(path))
        model, data, optimizer = _find_schemas(stored)
        schema = OmegaConf.structured(TrainConfig(model(), data(), optimizer()))
        config: Any = OmegaConf.to_object(OmegaConf.merge(schema, stored))
    except (OmegaConfBaseException, YAMLError, *WRONG) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise UserError(f"{path} can't be read as a config ({reason}): give the command of the run again.") from error
    try:
        check_config(config)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    config.output = str(folder.resolve().parent)
    return config


def check_run_folder(folder: Path) -> None:
    """Refuse a path that is not the folder of a run.

    Raises:
        UserError: says what it is instead.
    """
    if (folder / "config.yaml").is_file():
        return
    inside = next(folder.glob("*/config.yaml"), None)
    if inside:
        one = f"Give one of them, as {inside.parent}"
        raise UserError(f"{show_whole(folder)} is not a run folder: it holds run folders. {one}.")
    what = "it has no config.yaml" if folder.is_dir() else "it is a file" if folder.exists() else "it does not exist"
    raise UserError(f"{show_whole(folder)} is not a run folder: {what}. Give the folder that train printed.")


def select_settings(stored: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a stored config that are part of the run's identity; configs of older versions work too.

    Args:
        stored: the config as plain dictionaries; fields may be missing, and may name choices that no longer exist.
    """
    try:
        schemas = _find_schemas(stored)
    except (KeyError, TypeError, AttributeError):
        schemas = NetworkConfig, SourceConfig, MethodConfig
    return drop_implied(stored, *schemas)


def _find_schemas(stored: Any) -> tuple[type, type, type]:
    """Return the config dataclasses of the network, the letters and the optimizer.

    Raises:
        KeyError, TypeError, AttributeError: the config does not name them, or they do not exist.
    """
    model = stored["model"]
    kind = model.get("kind") or imply_kind(model["name"])
    return registry.find_stored_schemas(kind, stored["data"]["name"], stored["optimizer"]["name"])
