"""Presets: the YAML files in `conf/`."""

from __future__ import annotations

from pathlib import Path


def find_conf_folder() -> Path:
    """Return the folder `conf/`: inside the package if it is installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def list_experiments() -> list[str]:
    """Return the names of the presets in `conf/experiment/`."""
    folder = find_conf_folder() / "experiment"
    return sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.yaml"))


def list_launchers() -> dict[str, str]:
    """Return the names of the presets in `conf/launcher/`, each with the comment in its second line."""
    paths = sorted((find_conf_folder() / "launcher").glob("*.yaml"))
    return {path.stem: path.read_text(encoding="utf-8").splitlines()[1].lstrip("# ") for path in paths}
