"""Help of `letterocr train`: every choice and every field with its default, in groups."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from letterocr.base.command_line import CommandParser, lay_out
from letterocr.compose import registry
from letterocr.compose.overrides import list_choices
from letterocr.compose.presets import find_conf_folder, list_experiments, list_launchers
from letterocr.config.rule import Rule
from letterocr.config.train import TrainConfig

ABOUT = "Train a letter network one sample at a time and see its error after every sample."
EXAMPLES = [
    "letterocr train model=three_layer",
    "letterocr train experiment=paper/fig7 data=emnist",
    "letterocr train -m model=two_layer,three_layer seed=0,1,2  # a sweep",
    "letterocr train -m launcher=local 'seed=range(8)'          # on all cores",
    "letterocr train resume=RUN_FOLDER",
    "tensorboard --logdir outputs",
]
INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
SECTIONS = {
    "learning": ["learning_rate", "schedule", "loss_factor", "samples", "batch", "order", "replicas", "seed"],
    "measuring": ["evaluate_every", "evaluation", "diagnostics", "snapshots", "tensorboard", "page"],
    "computing": ["engine", "block", "dtype", "device", "threads"],
    "the run folder": ["output", "resume", "force", "checkpoint_seconds", "on_failure"],
}


def make_train_parser() -> CommandParser:
    """Return the parser of `letterocr train`; its options are those of Hydra, which gets what it reads."""
    parser = TrainParser("train", ABOUT, EXAMPLES, overrides=list_choices(), forms="[field=value ...] [-m]")
    flag = {"action": "store_true"}
    parser.add_option("multirun", "a sweep: every combination of the values between commas", "-m", **flag)
    parser.add_option("config-dir", "a folder with presets of yours", "-cd", metavar="FOLDER")
    parser.add_option(
        "config-name", "a config of yours in that folder, in place of conf/config.yaml", "-cn", metavar="NAME"
    )
    parser.add_option("cfg", "print the resolved config and train nothing", "-c", choices=("job", "hydra", "all"))
    parser.add_option("package", "with --cfg: only this part, as in -p model", "-p", metavar="PART")
    parser.add_option("resolve", "with --cfg: replace each ${...} by its value", **flag)
    parser.add_option("info", "print what Hydra knows", "-i", choices=INFO, nargs="?", const="all")
    return parser


class TrainParser(CommandParser):
    """Parser of `letterocr train`, with the choices and their fields in its help."""

    def format_help(self) -> str:
        """Return the help, at most 80 columns wide."""
        parts = [super().format_help()]
        parts += ["experiment=NAME: a preset of several fields", *lay_out([(n, "") for n in list_experiments()]), ""]
        parts += ["launcher=NAME: where a sweep runs", *lay_out(list(list_launchers().items())), ""]
        for group, entries in registry.GROUPS.items():
            parts += [f"{group}={_find_group_default(group)}", *_list_entries(group, entries), ""]
        for title, names in SECTIONS.items():
            own = [f for name in names for f in fields(TrainConfig) if f.name == name]
            parts += [title, *_list_fields(own, "", 2), ""]
        return "\n".join(parts)


def _find_group_default(group: str) -> str:
    default: Any = getattr(TrainConfig(), group)
    return default if isinstance(default, str) else default.name


def _list_entries(group: str, entries: Mapping[str, registry.Entry[Any] | Rule]) -> list[str]:
    """Return the lines of a group: its choices with their fields; shared fields stand below the last choice."""
    lines = []
    schemas = [entry.schema if isinstance(entry, registry.Entry) else None for entry in entries.values()]
    for (name, entry), schema, following in zip(entries.items(), schemas, [*schemas[1:], None], strict=True):
        lines += lay_out([(name, f"{entry.line} ({entry.source})")])
        if schema and schema is not following:
            shared = [n for n, e in entries.items() if isinstance(e, registry.Entry) and e.schema is schema]
            strangers = {n for n in entries if n not in shared}
            lines += _list_fields(fields(schema), f"{group}.", 4, strangers)
    return lines


def _list_fields(own: Iterable[Field[Any]], prefix: str, indent: int, strangers: Collection[str] = ()) -> list[str]:
    """Return one row for each field, with its default; fields that the choice of a group decides are left out.

    Args:
        own: the fields.
        prefix: text before their names.
        indent: columns before a row.
        strangers: presets that have other fields of the same names.
    """
    rows = []
    for f in own:
        name = prefix + f.name
        if name in registry.GROUPS or f.name in ("name", "kind"):
            continue
        choices = f" [{', '.join(f.metadata['choices'])}]" if f.metadata["choices"] else ""
        presets = {n: format_value(v) for n, v in _list_presets().get(name, {}).items() if n not in strangers}
        others = ", ".join(f"{n} {value}" for n, value in presets.items() if value != _format_default(f))
        rows.append((f"{name}={_format_default(f)}", f.metadata["help"] + choices + (f"; {others}" if others else "")))
    return lay_out(rows, indent)


def _format_default(f: Field[Any]) -> str:
    return format_value(f.default if f.default_factory is MISSING else f.default_factory())


def format_value(value: Any) -> str:
    """Format a value as it is typed on the command line.

    Example:
        >>> format_value([1800, 1800]), format_value(None), format_value(30.0)
        ('[1800,1800]', 'null', '30')
    """
    if isinstance(value, list):
        return f"[{','.join(map(format_value, value))}]"
    if value is None or isinstance(value, bool):
        return str({None: "null", True: "true", False: "false"}[value])
    return f"{value:g}" if isinstance(value, float) else str(value)


@functools.cache
def _list_presets() -> dict[str, dict[str, Any]]:
    """Return for each field the values that differ from its default, by the choice of model, rule or optimizer."""
    import yaml

    found: dict[str, dict[str, Any]] = {}
    default = TrainConfig()
    plain = {f.name: getattr(default, f.name) for f in fields(TrainConfig)}
    plain |= {f"model.{f.name}": getattr(default.model, f.name) for f in fields(default.model)}
    for group in ("rule", "model", "optimizer"):
        for path in sorted((find_conf_folder() / group).glob("*.yaml")):
            preset = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            flat = {f"model.{name}": value for name, value in preset.pop("model", {}).items()} | preset
            for name, value in flat.items():
                if plain.get(name) != value:
                    found.setdefault(name, {})[path.stem] = value
    return found
