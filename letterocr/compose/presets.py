"""The presets below `conf/`."""

from __future__ import annotations

from pathlib import Path


def conf_folder() -> Path:
    """The folder `conf/`: inside the package of an installed wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def experiments() -> list[str]:
    """The presets below `conf/experiment/`."""
    folder = conf_folder() / "experiment"
    return sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.yaml"))


def launchers() -> dict[str, str]:
    """The presets of `conf/launcher/`, each with its first line of comment."""
    paths = sorted((conf_folder() / "launcher").glob("*.yaml"))
    return {path.stem: path.read_text(encoding="utf-8").splitlines()[1].lstrip("# ") for path in paths}
