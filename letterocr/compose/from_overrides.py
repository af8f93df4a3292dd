"""Composition of a typed config from overrides (`field=value`), by Hydra."""

from __future__ import annotations

import re
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.compose import registry
from letterocr.compose.overrides import add_plus, check_keys
from letterocr.compose.presets import find_conf_folder
from letterocr.config.train import TrainConfig, list_runtime_fields

KINDS = {  # what OmegaConf says of a value of the wrong type, and what it must be
    "converted to Integer": "a whole number",
    "converted to Float": "a number",
    "not a valid bool": "true or false",
    "not a ListConfig": "a list, as in [64]",
}
ONE_AT_A_TIME = threading.Lock()  # all threads of a process share one state of Hydra


def register_schema() -> None:
    """Register the schema of every choice of model, data and optimizer with Hydra, for `conf/config.yaml`."""
    from hydra.core.config_store import ConfigStore
    from omegaconf import MISSING

    store = ConfigStore.instance()
    run = TrainConfig(model=MISSING, data=MISSING, optimizer=MISSING)
    store.store("train", run, group="schema", package="_global_")
    for group, entries in registry.GROUPS.items():
        for name, entry in entries.items():
            if isinstance(entry, registry.Entry):
                store.store(name, entry.schema, group=f"schema/{group}", package=group)


def make_typed_config(cfg: Any) -> TrainConfig:
    """Convert Hydra's config to a typed config."""
    from omegaconf import OmegaConf

    config: Any = OmegaConf.to_object(cfg)
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

    stored = read_config(Path(config.resume).expanduser())
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

    register_schema()
    check_keys(overrides)
    overrides = add_plus(overrides)
    try:
        with ONE_AT_A_TIME, hydra.initialize_config_dir(str(find_conf_folder()), version_base="1.3"):
            return resolve_config(hydra.compose("config", overrides), overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(summarise_error(error)) from error


def summarise_error(error: BaseException) -> str:
    """Return Hydra's message and its cause on one line, without its search path and object types."""
    texts = [str(e).partition("Config search path")[0] for e in (error, error.__cause__) if e is not None]
    missing = re.search(r"Could not override '(\w+)\.(\w+)'.*?Key '\w+' not in '(\w+)'", " ".join(texts), re.DOTALL)
    if missing:
        return _explain_missing_field(*missing.groups())
    wrong = re.search(r"Error merging override (\S+?)=(.*?)\s+(?:Value|Invalid value) (.*)", " ".join(texts), re.DOTALL)
    for words, kind in KINDS.items():
        if wrong and words in wrong[3]:
            each = "each value must be" if wrong[2].startswith("[") else "must be"
            return f"{wrong[1]}={wrong[2]}: {each} {kind}."
    lines = [line.strip() for text in texts for line in text.splitlines()]
    noise = ("full_key", "object_type", "reference_", "To append to your config", "See https://hydra.cc")
    return " ".join(line for line in lines if line and not line.startswith(noise))


def _explain_missing_field(group: str, field: str, schema: str) -> str:
    """Return a sentence on a field that only other choices of its group have."""
    entries = {n: e for n, e in registry.GROUPS.get(group, {}).items() if isinstance(e, registry.Entry)}
    chosen = [name for name, entry in entries.items() if entry.schema.__name__ == schema]
    others = [name for name, entry in entries.items() if field in {f.name for f in fields(entry.schema)}]
    what = f"{group}={chosen[0]}" if len(chosen) == 1 else f"this {group}"
    return f"{group}.{field}: {what} has no such field; take {group}={' or '.join(others)}."
