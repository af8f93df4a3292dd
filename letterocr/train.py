"""The command `python -m letterocr.train`: Hydra in, a run, its final test error out (for sweepers)."""

from __future__ import annotations

import difflib
import importlib
import logging
import os
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from letterocr import registry
from letterocr.config import ModelConfig, TrainConfig
from letterocr.errors import UserError, complain, piped
from letterocr.signals import Obeyed, StoppedError

HELP = """python -m letterocr.train [field=value ...]

Train a letter network one sample at a time and see its error after every sample.

  python -m letterocr.train model=three_layer
  python -m letterocr.train experiment=paper/fig7 data=emnist
  python -m letterocr.train -m model=two_layer,three_layer learning_rate=0.01,0.02,0.05   # a sweep
  python -m letterocr.train -m launcher=local seed=range(8)   # a sweep on all cores
  python -m letterocr.train resume=RUN_FOLDER
  tensorboard --logdir outputs

  --cfg job shows the resolved config, --hydra-help the options of Hydra itself.
"""


def conf_folder() -> Path:
    """The folder `conf/`: inside the package of an installed wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def register() -> None:
    """Make the schema known to Hydra."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    store.store("train", TrainConfig, group="schema", package="_global_")
    for group in ("data", "optimizer"):
        for name, entry in registry.GROUPS[group].items():
            store.store(name, entry.schema, group=f"schema/{group}")


def _rows(schema: type, prefix: str, indent: int) -> list[str]:
    rows = []
    for f in fields(schema):
        if prefix + f.name not in ("model", "data", "optimizer", "rule") and f.name != "name":
            choices = f" [{', '.join(f.metadata['choices'])}]" if f.metadata["choices"] else ""
            rows.append(f"{'':{indent}}{prefix + f.name:<{30 - indent}} {f.metadata['help']}{choices}")
    return rows


def experiments() -> list[str]:
    """The presets below `conf/experiment/`."""
    folder = conf_folder() / "experiment"
    return sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.yaml"))


def launchers() -> dict[str, str]:
    """The presets of `conf/launcher/`, each with its first line of comment."""
    paths = sorted((conf_folder() / "launcher").glob("*.yaml"))
    return {path.stem: path.read_text(encoding="utf-8").splitlines()[1].lstrip("# ") for path in paths}


def help_text() -> str:
    """What `--help` prints: every choice and every field with its one-line explanation."""
    parts = [HELP, f"experiment\n  {', '.join(experiments())}\n"]
    parts += ["launcher, for sweeps", *(f"  {name:<28} {line}" for name, line in launchers().items()), ""]
    for group, entries in registry.GROUPS.items():
        parts.append(group)
        for name, entry in entries.items():
            parts.append(f"  {name:<28} {entry.line} ({entry.source})")
            parts += _rows(entry.schema, f"{group}.", 4) if entry.schema else []
        parts += _rows(ModelConfig, "model.", 4) if group == "model" else []
        parts.append("")
    parts.append("fields of the run")
    parts += _rows(TrainConfig, "", 2)
    return "\n".join(parts)


def known_keys() -> set[str]:
    """Every key that an override may name."""
    keys = (
        {f.name for f in fields(TrainConfig)}
        | {"experiment", "launcher"}
        | {f"model.{f.name}" for f in fields(ModelConfig)}
    )
    for group in ("data", "optimizer"):
        for entry in registry.GROUPS[group].values():
            keys |= {f"{group}.{f.name}" for f in fields(entry.schema)} if entry.schema else set()
    return keys


def check_keys(overrides: list[str]) -> None:
    """Refuse an override of a field, or by a choice, that there is not.

    Raises:
        UserError: names the key or choice, and the nearest one that there is.
    """
    known = known_keys()
    choices = {group: list(entries) for group, entries in registry.GROUPS.items()}
    choices |= {"experiment": experiments(), "launcher": list(launchers())}
    for override in overrides:
        key, _, value = override.partition("=")
        key = key.lstrip("+~")
        if override.startswith("~") and key in choices:
            raise UserError(f"{override}: a run needs its {key}; choose one of {', '.join(choices[key])}.")
        if "=" not in override or override.startswith("-") or "@" in key or key.startswith("hydra"):
            continue
        if key not in known and not key.startswith("optimizer.options."):  # PyTorch's own names
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else "--help lists every field."
            raise UserError(f"{override}: there is no field {key}; {hint}")
        plain = key in choices and re.fullmatch(r"[\w/,]+", value)  # Hydra itself reads lists, glob(*) and the like
        for choice in value.split(",") if plain else []:
            if choice not in [*choices[key], *(["null"] if key in ("experiment", "launcher") else [])]:
                near = difflib.get_close_matches(choice, choices[key], 1)
                hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(choices[key])}."
                raise UserError(f"{override}: there is no {key} {choice}; {hint}")


def ordered(arguments: list[str]) -> list[str]:
    """Overrides before options: Hydra takes no override after an option that follows another override."""
    override = [not a.startswith("-") and ("=" in a or a.startswith("~")) for a in arguments]
    first = [a for a, is_override in zip(arguments, override, strict=True) if is_override]
    return first + [a for a, is_override in zip(arguments, override, strict=True) if not is_override]


def added(overrides: list[str]) -> list[str]:
    """`++` before PyTorch's own names below `optimizer.options`, which Hydra's schema has not."""
    return [f"++{o}" if re.match(r"optimizer\.options[.=]", o) else o for o in overrides]


def typed(cfg: Any) -> TrainConfig:
    """The typed config from Hydra's."""
    from omegaconf import OmegaConf

    config: Any = OmegaConf.to_object(cfg)
    config.resume = config.resume.lower() if config.resume.lower() in ("true", "false") else config.resume
    return config


def resumed(config: TrainConfig, overrides: list[str]) -> TrainConfig:
    """The config of the run folder that `resume=<run folder>` names, with this command's runtime fields.

    Raises:
        UserError: the command names a field that the folder's config decides.
    """
    from letterocr.folder import read_config

    stored = read_config(Path(config.resume).expanduser())
    runtime = {f.name for f in fields(TrainConfig) if f.metadata["runtime"]}
    for override in overrides:
        key = override.partition("=")[0]
        if key == "launcher":
            continue
        if key not in runtime - {"output"}:
            raise UserError(f"{override}: resume={config.resume} takes its settings from that folder; leave it out.")
        setattr(stored, key, getattr(config, key))
    stored.resume, stored.force = "true", config.force
    return stored


def chosen(cfg: Any, overrides: list[str]) -> tuple[TrainConfig, Path]:
    """The config of a run, and its folder: the one that `resume` names, or its own."""
    from letterocr.folder import folder_of

    config = typed(cfg)
    if config.resume in ("true", "false"):
        return config, folder_of(config)
    return resumed(config, overrides), Path(config.resume).expanduser()


def compose(overrides: list[str]) -> TrainConfig:
    """The config of overrides (`field=value`) as `train` reads them, without its command line; not checked yet.

    Raises:
        UserError: names the override that does not fit.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    register()
    check_keys(overrides)
    overrides = added(overrides)
    try:
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            return chosen(hydra.compose("config", overrides), overrides)[0]
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(sentence(error)) from error


@piped()  # here, before Hydra adds its own lines
def task(cfg: Any) -> float:
    """One run of the command; returns its final test error, 1.0 if it diverged, NaN if there is none."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from letterocr.outcome import Outcome
    from letterocr.run import run

    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    outcome: Outcome | None
    try:
        if hydra.mode == RunMode.MULTIRUN:
            from letterocr.sweep import attempt

            outcome = attempt(lambda: chosen(cfg, overrides), overrides, Path(hydra.sweep.dir))
        else:
            config, folder = chosen(cfg, overrides)
            outcome = run(config, folder=folder)
    except UserError as error:
        sys.exit(complain(str(error), error.status))
    assert outcome
    if outcome.message:
        print(outcome.message, flush=True)
    if outcome.signal:  # a sweep ends too
        sys.exit(128 + outcome.signal)
    if outcome.status == "diverged" and hydra.mode == RunMode.RUN:
        sys.exit(1)
    return outcome.error


def sentence(error: BaseException) -> str:
    """Hydra's message and its cause on one line, without its search path and object types."""
    texts = [str(e).partition("Config search path")[0] for e in (error, error.__cause__) if e is not None]
    lines = [line.strip() for text in texts for line in text.splitlines()]
    noise = ("full_key", "object_type", "reference_", "To append to your config", "See https://hydra.cc")
    return " ".join(line for line in lines if line and not line.startswith(noise))


@piped()
def main() -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help_text())
        return
    try:
        with Obeyed():
            _train()
    except StoppedError as error:
        rest = "" if error.what else " while no run was training; nothing is lost."
        sys.exit(complain(f"{error}{rest}", 128 + error.number))


def _train() -> None:
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach us, who print one sentence
    logging.raiseExceptions = False  # nor has Hydra's log a traceback where nobody reads it
    register()
    _noted()  # of an earlier command in this process
    try:
        sys.argv[1:] = added(ordered(sys.argv[1:]))
        check_keys(sys.argv[1:])
        task = importlib.import_module("letterocr.train").task  # other processes know it by this name
        hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(task)()
    except UserError as error:
        sys.exit(complain(str(error), error.status))
    except (HydraException, OmegaConfBaseException) as error:
        sys.exit(complain(sentence(error)))
    except OSError as error:
        if not error.filename:
            raise
        sys.exit(complain(f"{error.filename} can't be used ({error.strerror}): take another path."))
    folder = _noted()
    if folder:
        from letterocr.sweep import report

        sys.exit(report(folder))


def _noted() -> Path | None:
    """The folder of the sweep that ran, told once."""
    sweep: Any = sys.modules.get("letterocr.sweep")
    folder = sweep.Noted.folder if sweep else None
    if sweep:
        sweep.Noted.folder = None
    return folder


if __name__ == "__main__":
    main()
