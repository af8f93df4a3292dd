"""The command `letterocr train`: Hydra composes the config, and the run returns its final test error for sweepers."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.signals import ObeyedSignals, StoppedError
from letterocr.compose.from_overrides import register_schema, summarise_error
from letterocr.compose.help import make_train_parser
from letterocr.compose.overrides import add_plus, check_keys, put_overrides_first
from letterocr.compose.presets import find_conf_folder

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

            outcome = train_attempt(lambda: locate_run(cfg, overrides), overrides, Path(hydra.sweep.dir))
        else:
            config, folder = locate_run(cfg, overrides)
            outcome = run(config, folder=folder)
    except UserError as error:
        sys.exit(complain(str(error), error.status))
    if outcome.message:
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
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra passes errors on, and this command prints one sentence
    logging.raiseExceptions = False  # no traceback from Hydra's log if its output is no longer read
    register_schema()
    try:
        sys.argv[1:] = add_plus(put_overrides_first(sys.argv[1:]))
        check_keys(sys.argv[1:])
        task = importlib.import_module("letterocr.train").train_task  # other processes import it by this name
        hydra.main(version_base="1.3", config_path=str(find_conf_folder()), config_name="config")(task)()
    except UserError as error:
        sys.exit(complain(str(error), error.status))
    except (HydraException, OmegaConfBaseException) as error:
        sys.exit(complain(summarise_error(error)))
    except OSError as error:
        if not error.filename:
            raise
        sys.exit(complain(f"{error.filename} can't be used ({error.strerror}): take another path."))


if __name__ == "__main__":
    main()
