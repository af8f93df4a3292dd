"""Hydra on configs that someone else may have written: which files it reads, and which classes it imports.

- A preset is read from the folder that it is asked of: no `../` leads out of it. Aliases that stand for a huge or an
  endless config are refused before they are expanded.
- Hydra imports and calls whatever a config names as `_target_`, and Python's logging does so with `class` and `()`.
  Here only the classes that `conf/` itself names can be named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from letterocr.base.errors import UserError
from letterocr.base.untrusted import read_yaml_text

CLASSES = {
    "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
    "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
    "hydra_plugins.letterocr_launchers.Grid",
    "hydra_plugins.letterocr_launchers.Local",
    "hydra_plugins.letterocr_launchers.Slurm",
    "letterocr.sweep.closing_report.ClosingReport",
    "colorlog.ColoredFormatter",
    "logging.FileHandler",
    "logging.StreamHandler",
}
STREAMS = {"ext://sys.stdout", "ext://sys.stderr"}
CALLED = ("_target_", "class", "()")  # keys whose values are imported and called


class _OwnFolderSource(FileConfigSource):
    """Hydra's reader of a folder of presets, kept to that folder."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Read a preset.

        Raises:
            UserError: it lies outside the folder, or its aliases are a bomb.
        """
        folder = os.path.abspath(self.path)
        path = os.path.normpath(os.path.join(folder, self._normalize_file_name(config_path)))
        if not Path(path).is_relative_to(folder):
            raise UserError(f"{config_path}: this preset lies outside of its folder {folder}; move it there.")
        try:
            read_yaml_text(path)
            return super().load_config(config_path)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} can't be read ({error}): mend the file.") from error
        except RecursionError as error:
            raise UserError(f"{path} is nested too deeply: mend the file.") from error


def guard_files() -> None:
    """Let Hydra read presets from their own folders only, in this process."""
    Plugins.instance()  # registers Hydra's own reader
    SourcesRegistry.instance().types["file"] = _OwnFolderSource


@contextmanager
def guard_classes() -> Iterator[None]:
    """Let Hydra import nothing that a config names, except the classes of `conf/`."""
    load = ConfigLoaderImpl.load_configuration

    def load_and_check(self: ConfigLoaderImpl, *arguments: Any, **options: Any) -> Any:
        config = load(self, *arguments, **options)
        check_classes(config)  # before Hydra configures the logging
        return config

    ConfigLoaderImpl.load_configuration = load_and_check  # type: ignore[method-assign]
    try:
        yield
    finally:
        ConfigLoaderImpl.load_configuration = load  # type: ignore[method-assign]


def check_classes(config: Any) -> None:
    """Refuse a composed config that names other classes for Hydra to import.

    Raises:
        UserError: names the class and its field.
    """
    try:
        _check(config.hydra, "hydra")
    except RecursionError as error:
        raise UserError("hydra: this config refers to itself; mend it.") from error


def _check(node: Any, place: str) -> None:
    for key in node if OmegaConf.is_dict(node) else range(len(node)):
        value, name = "", f"{place}.{key}"
        with suppress(OmegaConfBaseException):  # what only the run itself can tell, such as its folder
            value = node[key]
        if OmegaConf.is_config(value):
            _check(value, name)
        elif (key in CALLED and value not in CLASSES) or (str(value).startswith("ext://") and value not in STREAMS):
            raise UserError(f"{name}={value}: a config can't name code to import; leave it out.")
