"""Presets: the YAML files of the folders that Hydra reads: `conf/`, and the user's own.

A user names own folders with `--config-dir FOLDER` or `hydra.searchpath=[FOLDER]`. A preset of a network, a source of
letters or an optimizer has the fields of the choice that it is based on, the first one in its defaults.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.base.home import expand_path, show_whole
from letterocr.base.untrusted import read_yaml
from letterocr.compose import registry
from letterocr.config.train import TrainConfig

PRIMARY = "config"  # the config that every other one is merged into, conf/config.yaml
SEARCH_PATH = "hydra.searchpath"


def find_conf_folder() -> Path:
    """Return the folder `conf/`: inside the package if it is installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def list_presets(group: str, folders: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the files of a group by the name of the preset, those in `conf/` first.

    Args:
        group: name of the group, such as experiment.
        folders: the user's own folders.

    Raises:
        UserError: an own preset has the name of one in `conf/`, which Hydra would take instead.
    """
    found: dict[str, Path] = {}
    conf = find_conf_folder()
    for folder in (conf, *folders):
        for path in sorted((folder / group).rglob("*.yaml")):
            name = path.relative_to(folder / group).with_suffix("").as_posix()
            if (conf / group / f"{name}.yaml").exists() and folder != conf:
                raise UserError(f"{path}: letterocr has a preset {group}={name} itself: give yours another name.")
            found.setdefault(name, path)
    return found


def list_experiments(folders: Iterable[Path] = ()) -> list[str]:
    """Return the names of the presets of several fields."""
    return list(list_presets("experiment", folders))


def list_launchers(folders: Iterable[Path] = ()) -> dict[str, str]:
    """Return the names of the presets of launchers, each with the comment in its second line."""
    texts = {name: path.read_text(encoding="utf-8") for name, path in list_presets("launcher", folders).items()}
    return {name: "".join(text.splitlines()[1:2]).lstrip("# ") for name, text in texts.items()}


def find_own_folders(overrides: Sequence[str], config_dir: str | None = None, primary: str = PRIMARY) -> list[Path]:
    """Return the user's own folders of presets.

    Args:
        overrides: overrides of the command, perhaps with hydra.searchpath.
        config_dir: folder that `--config-dir` names.
        primary: name of the config that `--config-name` names; it may hold hydra.searchpath too.

    Raises:
        UserError: there is no such folder.
    """
    folders = [] if config_dir is None else [_find_folder(config_dir, f"--config-dir {config_dir}")]
    given = [text for text in overrides if text.lstrip("+").startswith(f"{SEARCH_PATH}=")]
    places: Any = None
    if given:
        from hydra.core.override_parser.overrides_parser import OverridesParser

        places = OverridesParser.create().parse_override(given[-1]).value()
    elif primary != PRIMARY:
        places = _read_search_path(folders, primary)
    if places is not None and (not isinstance(places, list) or not all(str(place) for place in places)):
        raise UserError(f"{SEARCH_PATH}={places}: must be a list of folders, as in {SEARCH_PATH}=[my_presets].")
    return folders + [_find_folder(str(place), f"{SEARCH_PATH}=[{place}]") for place in places or []]


def _find_folder(text: str, argument: str) -> Path:
    if text.startswith("pkg://"):
        package, *inside = text.removeprefix("pkg://").replace("/", ".").split(".")
        try:
            spec = find_spec(package)  # which does not run the package
        except (ImportError, ValueError):
            spec = None
        if spec is None or not spec.submodule_search_locations:
            raise UserError(f"{argument}: there is no Python package {package}.")
        folder = Path(spec.submodule_search_locations[0], *inside)
    else:
        folder = expand_path(text.removeprefix("file://"))
    if not folder.is_dir():
        raise UserError(f"{argument}: there is no folder {show_whole(folder)}.")
    return folder


def _read_search_path(folders: Iterable[Path], primary: str) -> Any:
    """Return hydra.searchpath of the user's own primary config, or None."""
    from omegaconf import OmegaConf

    for folder in folders:
        path = folder / f"{primary.removesuffix('.yaml')}.yaml"
        if path.is_file():
            found = OmegaConf.select(OmegaConf.load(path), SEARCH_PATH)
            return OmegaConf.to_container(found, resolve=True) if OmegaConf.is_list(found) else found
    return None


def find_base(group: str, name: str, presets: dict[str, Path], passed: Collection[str] = ()) -> registry.Entry[Any]:
    """Return the entry of the choice whose fields an own preset has.

    It is the first choice in the preset's defaults; else the one that its `kind` or `name` says; else the default.

    Args:
        group: model, data or optimizer.
        name: name of the preset.
        presets: every preset of the group.
        passed: presets that led to this one.

    Raises:
        UserError: the file can't be read.
    """
    entries: Any = registry.GROUPS[group]
    try:
        stored = read_yaml(presets[name])
    except (OSError, ValueError) as error:
        raise UserError(f"{presets[name]} can't be read ({error}): mend the file.") from error
    stored = stored if isinstance(stored, dict) else {}
    parents = stored.get("defaults")
    for item in parents if isinstance(parents, list) else []:
        parent = str(next(iter(item.values()), "") if isinstance(item, dict) else item).rpartition("/")[2]
        if parent in entries:
            return entries[parent]
        if parent in presets and parent not in (name, *passed):
            return find_base(group, parent, presets, (name, *passed))
    inner = stored.get(group)
    own = inner if isinstance(inner, dict) else stored
    kinds = {entry.schema().kind: entry for entry in entries.values()} if group == "model" else entries
    default = next(entry for entry in entries.values() if entry.schema is type(getattr(TrainConfig(), group)))
    return kinds.get(str(own.get("kind" if group == "model" else "name")), default)
