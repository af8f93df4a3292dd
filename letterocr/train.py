"""The command `python -m letterocr.train`: Hydra in, a run, its final test error out (for sweepers)."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError, complain, piped
from letterocr.base.signals import Obeyed, StoppedError
from letterocr.compose.from_overrides import register, sentence
from letterocr.compose.help import help_text
from letterocr.compose.overrides import added, check_keys, ordered
from letterocr.compose.presets import conf_folder
from letterocr.run.folder import locate_run


@piped()  # here, before Hydra adds its own lines
def task(cfg: Any) -> float:
    """One run of the command; returns its final test error, 1.0 if it diverged, NaN if there is none."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from letterocr.run.outcome import Outcome
    from letterocr.run.training import run

    hydra = HydraConfig.get()
    overrides = list(hydra.overrides.task)
    outcome: Outcome | None
    try:
        if hydra.mode == RunMode.MULTIRUN:
            from letterocr.sweep.sweep import attempt

            outcome = attempt(lambda: locate_run(cfg, overrides), overrides, Path(hydra.sweep.dir))
        else:
            config, folder = locate_run(cfg, overrides)
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
        from letterocr.sweep.sweep import report

        sys.exit(report(folder))


def _noted() -> Path | None:
    """The folder of the sweep that ran, told once."""
    sweep: Any = sys.modules.get("letterocr.sweep.sweep")
    folder = sweep.Noted.folder if sweep else None
    if sweep:
        sweep.Noted.folder = None
    return folder


if __name__ == "__main__":
    main()
