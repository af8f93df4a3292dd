"""The command `letterocr train`: Hydra composes the config, and the run returns its final test error for sweepers."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.signals import ObeyedSignals, StoppedError
from letterocr.compose.from_overrides import register_schema
from letterocr.compose.help import make_train_parser
from letterocr.compose.hydra_errors import explain
from letterocr.compose.overrides import prepare
from letterocr.compose.presets import PRIMARY, find_conf_folder, find_own_folders

if TYPE_CHECKING:
    from omegaconf import DictConfig


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    return make_train_parser()


@end_quietly()  # at this place, before Hydra prints its own lines
def train_task(cfg: DictConfig) -> float:
    """Train one run; return its final test error, 1.0 if it diverged, NaN if there is none."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from letterocr.run.folder import locate_run
    from letterocr.run.training import run

    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    try:
        if hydra.mode == RunMode.MULTIRUN:
            from letterocr.sweep.attempt import train_attempt

            sweep = Path(hydra.runtime.cwd, hydra.sweep.dir)  # whatever folder Hydra has changed to
            outcome = train_attempt(lambda: locate_run(cfg, overrides), overrides, sweep)
        else:
            config, folder = locate_run(cfg, overrides)
            outcome = run(config, folder=folder)
    except UserError as error:
        sys.exit(complain(str(error), error.status))
    if outcome.message and not (outcome.existed and hydra.mode == RunMode.MULTIRUN):  # the report counts these
        print(outcome.message, flush=True)
    if outcome.signal:  # a sweep ends too
        sys.exit(128 + outcome.signal)
    if outcome.status == "diverged" and hydra.mode == RunMode.RUN:
        sys.exit(1)
    return outcome.error


@end_quietly()
def main() -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(make_parser().format_help())
        return
    try:
        with ObeyedSignals():
            _train()
    except StoppedError as error:
        rest = "" if error.what else " while no run was training; nothing is lost."
        sys.exit(complain(f"{error}{rest}", 128 + error.number))


def _train() -> None:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra passes errors on, and this command prints one sentence
    logging.raiseExceptions = False  # no traceback from Hydra's log if its output is no longer read
    parser = make_parser()
    given = parser.parse_args()
    given.config_name = given.config_name or PRIMARY
    try:
        _check_options(given)
        folders = find_own_folders(given.overrides, given.config_dir, given.config_name)
        register_schema(folders)
        given.overrides = prepare(given.overrides, _is_sweep(given), folders)
        _start_hydra(given, parser)
    except UserError as error:
        sys.exit(complain(str(error), error.status))
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        sys.exit(complain(explain(error)))
    except OSError as error:
        if not error.filename:
            raise
        sys.exit(complain(f"{error.filename} can't be used ({error.strerror}): take another path."))


def _check_options(given: Namespace) -> None:
    """Refuse options that do not go together.

    Raises:
        UserError: names them.
    """
    asked = [f"--{name}" for name in ("multirun", "cfg", "info") if getattr(given, name)]
    if len(asked) > 1:
        raise UserError(f"{' '.join(asked)}: only one of these goes at a time; leave the others out.")
    if given.resolve and not given.cfg:
        raise UserError("--resolve: is only for --cfg; write --cfg job --resolve.")


def _is_sweep(given: Namespace) -> bool:
    """Return whether the arguments say that commas separate the values of a sweep; a preset may say so too."""
    asked = [text for text in given.overrides if text.startswith(("launcher=", "hydra.mode="))]
    return given.multirun or any(text.lower() not in ("launcher=null", "hydra.mode=run") for text in asked)


def _start_hydra(given: Namespace, parser: CommandParser) -> None:
    """Do what `hydra.main` does with arguments that our own parser has read.

    Hydra's own parser ends with its usage at a mistake, and Python 3.14 refuses its help texts.
    """
    from hydra import version
    from hydra._internal.utils import _run_hydra

    from letterocr.compose.hydra_guard import guard_classes

    version.setbase("1.3")
    rest = {"run": False, "help": False, "hydra_help": False, "shell_completion": False, "config_path": None}
    with guard_classes():
        _run_hydra(
            args=Namespace(**vars(given) | rest),
            args_parser=parser,
            # other processes import it by this name
            task_function=importlib.import_module("letterocr.train").train_task,
            config_path=str(find_conf_folder()),
            config_name=given.config_name,
        )


if __name__ == "__main__":
    main()
