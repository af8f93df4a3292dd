"""Composition of a typed config from overrides (`field=value`), by Hydra."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.base.home import expand_path
from letterocr.compose import registry
from letterocr.compose.hydra_errors import explain
from letterocr.compose.overrides import prepare
from letterocr.compose.presets import PRIMARY, find_base, find_conf_folder, find_own_folders, list_presets
from letterocr.config.train import TrainConfig, list_runtime_fields

ONE_AT_A_TIME = threading.Lock()  # all threads of a process share one state of Hydra


def register_schema(folders: Sequence[Path] = ()) -> None:
    """Register the schema of every choice of model, data and optimizer with Hydra, for `conf/config.yaml`.

    Args:
        folders: the user's own folders of presets.
    """
    from hydra.core.config_store import ConfigStore
    from omegaconf import MISSING

    from letterocr.compose.hydra_guard import guard_files

    guard_files()
    store = ConfigStore.instance()
    run = TrainConfig(model=MISSING, data=MISSING, optimizer=MISSING)
    store.store("train", run, group="schema", package="_global_")
    for group, entries in registry.GROUPS.items():
        schemas = {name: entry.schema for name, entry in entries.items() if isinstance(entry, registry.Entry)}
        presets = list_presets(group, folders) if schemas else {}
        schemas |= {name: find_base(group, name, presets).schema for name in presets if name not in schemas}
        for name, schema in schemas.items():
            path = f"schema/{group}/{name}".rpartition("/")
            store.store(path[2], schema, group=path[0], package=group)


def make_typed_config(cfg: Any) -> TrainConfig:
    """Convert Hydra's config to a typed config.

    Raises:
        UserError: it lacks the schema.
    """
    from omegaconf import OmegaConf

    config: Any = OmegaConf.to_object(cfg)
    if not isinstance(config, TrainConfig):
        raise UserError(f"--config-name: your config must begin with `defaults: [{PRIMARY}, _self_]`.")
    config.resume = config.resume.lower() if config.resume.lower() in ("true", "false") else config.resume
    return config


def read_resumed_config(config: TrainConfig, overrides: list[str]) -> TrainConfig:
    """Read the config of the run folder that `resume=RUN_FOLDER` names, and set the runtime fields of this command.

    Args:
        config: config of this command.
        overrides: overrides of this command.

    Raises:
        UserError: the command gives a field that the folder's config decides.
    """
    from letterocr.compose.stored_config import read_config

    try:
        stored = read_config(expand_path(config.resume))
    except UserError as error:
        raise UserError(f"resume={error}") from error
    for override in overrides:
        key = override.partition("=")[0]
        if key == "launcher":
            continue
        if key not in list_runtime_fields() - {"output"}:
            raise UserError(f"{override}: resume={config.resume} takes its settings from that folder; leave it out.")
        setattr(stored, key, getattr(config, key))
    stored.resume, stored.force = "true", config.force
    return stored


def resolve_config(cfg: Any, overrides: list[str]) -> TrainConfig:
    """Return the config of a run: its own, or the stored one if `resume` names a run folder.

    Args:
        cfg: Hydra's config.
        overrides: overrides of the command.
    """
    config = make_typed_config(cfg)
    return config if config.resume in ("true", "false") else read_resumed_config(config, overrides)


def compose_config(overrides: list[str]) -> TrainConfig:
    """Compose the config of overrides (`field=value`) as `letterocr train` does; its values are not checked yet.

    Raises:
        UserError: an override does not fit.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        folders = find_own_folders(overrides)
        register_schema(folders)
        overrides = prepare(overrides, folders=folders)
        with ONE_AT_A_TIME, hydra.initialize_config_dir(str(find_conf_folder()), version_base="1.3"):
            return resolve_config(hydra.compose("config", overrides), overrides)
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError) as error:
        raise UserError(explain(error)) from error
