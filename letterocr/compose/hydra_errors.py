"""What Hydra and OmegaConf say of a config that can't be composed, as one sentence with the mend."""

from __future__ import annotations

import re
from dataclasses import fields

from letterocr.base.suggest import suggest
from letterocr.compose import registry
from letterocr.compose.overrides import list_fields
from letterocr.compose.values import explain_unreadable
from letterocr.config.train import TrainConfig

KINDS = {  # what OmegaConf says of a value of the wrong type, and what it must be
    "converted to Integer": "a whole number",
    "converted to Float": "a number",
    "not a valid bool": "true or false",
    "not a ListConfig": "a list, as in [64]",
}
ELSEWHERE = {  # groups of Hydra's plugins, and what letterocr has in their place
    "hydra/sweeper": "letterocr takes every combination of values, and `letterocr search` searches for the best ones",
    "hydra/launcher": "write launcher=local, launcher=slurm_cpu or launcher=slurm_gpu",
}
NOISE = ("full_key", "object_type", "reference_", "To append to your config", "See https://hydra.cc")


def explain(error: BaseException) -> str:
    """Return what was wrong, in one sentence.

    Args:
        error: an exception of Hydra or OmegaConf.
    """
    from hydra.errors import MissingConfigException, OverrideParseException
    from yaml import YAMLError

    texts = [str(e).partition("Config search path")[0] for e in (error, error.__cause__) if e is not None]
    text = " ".join(texts)
    several = re.search(r"Ambiguous value for argument '(.*?)'\s+1\.", text, re.DOTALL)
    if several:
        key, _, values = several[1].partition("=")
        takes_list = any(f.type in ("Any", "list[int]") for f in list_fields().get(key, ()))
        hint = f"; for a list write {key}=[{values}]" if takes_list else ""
        return f"{several[1]}: several values make a sweep: add -m{hint}."
    if isinstance(error, OverrideParseException):
        return explain_unreadable(error.override)
    if isinstance(error, MissingConfigException):
        return _explain_missing_preset(error.missing_cfg_file or "", list(error.options or ()), text)
    if isinstance(error, YAMLError):
        return f"{' '.join(text.split())}: this is not YAML; mend the file."
    unknown = re.search(r"In '(\S+)'.*?Key '(\w+)' not in '(\w+)'", text, re.DOTALL)
    if unknown:
        return _explain_unknown_field(*unknown.groups())
    missing = re.search(r"Could not override '(\w+)\.(\w+)'.*?Key '\w+' not in '(\w+)'", text, re.DOTALL)
    if missing:
        return _explain_missing_field(*missing.groups())
    return _explain_wrong_type(text) or _shorten(texts)


def _explain_wrong_type(text: str) -> str:
    """Return a sentence on a value of the wrong type, from an override or from a preset; empty if it is not that."""
    override = re.search(r"Error merging override (\S+?)=(.*?)\s+(?:Value|Invalid value) (.*)", text, re.DOTALL)
    preset = re.search(r"Value '(.*?)'.*?full_key: (\S+)", text, re.DOTALL)
    if not override and not preset:
        return ""
    key, value = (override[1], override[2]) if override else (preset[2], preset[1]) if preset else ("", "")
    for words, kind in KINDS.items():
        if words in text:
            each = "each value must be" if value.startswith("[") else "must be"
            whole = ", without point and exponent" if kind == "a whole number" and re.search(r"[.eE]", value) else ""
            where = re.match(r"In '(\S+)'", text)
            return f"{f'{where[1]}.yaml: ' if where else ''}{key}={value}: {each} {kind}{whole}."
    return ""


def _shorten(texts: list[str]) -> str:
    lines = [line.strip() for text in texts for line in text.splitlines()]
    text = " ".join(line for line in lines if line and not line.startswith(NOISE))
    return text if text.endswith((".", "?")) else f"{text}."


def _explain_missing_preset(path: str, options: list[str], text: str) -> str:
    """Return a sentence on a preset that is in none of the folders."""
    group, _, name = path.removesuffix(".yaml").rpartition("/")
    if group in ELSEWHERE:
        return f"{group}={name}: there is no such plugin here; {ELSEWHERE[group]}."
    if not group:
        return f"--config-name {name}: there is no {name}.yaml in conf/ and the folder of --config-dir."
    hint = suggest(name, options, f"choose one of {', '.join(options)}." if options else "--help lists the presets.")
    where = re.match(r"In '(.*?)'", text)
    asked = f" (asked for by {where[1]}.yaml)" if where and where[1] != "config" else ""
    return f"{group.removeprefix('schema/')}={name}: there is no such preset{asked}; {hint}"


def _explain_unknown_field(preset: str, field: str, schema: str) -> str:
    """Return a sentence on a field of a preset that does not exist."""
    group = preset.partition("/")[0]
    if field == group and schema == "TrainConfig":
        return f"{preset}.yaml: its first line must be `# @package _global_`, as its fields are those of the run."
    schemas = [TrainConfig, *(e.schema for es in registry.GROUPS.values() for e in es.values() if hasattr(e, "schema"))]
    known = [f.name for own in schemas if own.__name__ == schema for f in fields(own)]
    hint = suggest(field, known, f"there are {', '.join(known)}." if known else "leave it out.")
    return f"{preset}.yaml: there is no field {field} here; {hint}"


def _explain_missing_field(group: str, field: str, schema: str) -> str:
    """Return a sentence on a field that only other choices of its group have."""
    entries = {n: e for n, e in registry.GROUPS.get(group, {}).items() if isinstance(e, registry.Entry)}
    chosen = [name for name, entry in entries.items() if entry.schema.__name__ == schema]
    others = [name for name, entry in entries.items() if field in {f.name for f in fields(entry.schema)}]
    what = f"{group}={chosen[0]}" if len(chosen) == 1 else f"this {group}"
    return f"{group}.{field}: {what} has no such field; take {group}={' or '.join(others)}."
