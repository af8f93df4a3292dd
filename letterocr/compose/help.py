"""What `python -m letterocr.train --help` prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from letterocr.compose import registry
from letterocr.compose.presets import list_experiments, list_launchers
from letterocr.config.rule import Rule
from letterocr.config.train import TrainConfig

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


def _list_rows(schema: type, prefix: str, indent: int) -> list[str]:
    """One row a field; not of those that the choice of a group decides."""
    rows = []
    for f in fields(schema):
        if prefix + f.name not in registry.GROUPS and f.name not in ("name", "kind"):
            choices = f" [{', '.join(f.metadata['choices'])}]" if f.metadata["choices"] else ""
            rows.append(f"{'':{indent}}{prefix + f.name:<{30 - indent}} {f.metadata['help']}{choices}")
    return rows


def _list_choices(group: str, entries: Mapping[str, registry.Entry[Any] | Rule]) -> list[str]:
    """One row a choice, with its fields; those of choices that share them are below the last of these."""
    rows = []
    schemas = [entry.schema if isinstance(entry, registry.Entry) else None for entry in entries.values()]
    for (name, entry), schema, following in zip(entries.items(), schemas, [*schemas[1:], None], strict=True):
        rows.append(f"  {name:<28} {entry.line} ({entry.source})")
        rows += _list_rows(schema, f"{group}.", 4) if schema and schema is not following else []
    return rows


def make_help_text() -> str:
    """What `--help` prints: every choice and every field with its one-line explanation."""
    parts = [HELP, f"experiment\n  {', '.join(list_experiments())}\n"]
    parts += ["launcher, for sweeps", *(f"  {name:<28} {line}" for name, line in list_launchers().items()), ""]
    for group, entries in registry.GROUPS.items():
        parts += [group, *_list_choices(group, entries), ""]
    parts.append("fields of the run")
    parts += _list_rows(TrainConfig, "", 2)
    return "\n".join(parts)
