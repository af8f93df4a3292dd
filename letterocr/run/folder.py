"""Run folder: its name, and the files that it holds.

config.yaml          the resolved config
environment.json     versions, device, threads, SLURM job, fingerprint of the letters
curve.parquet        loss, misread samples and test error of every sample; with several networks misread test letters
diagnostics.parquet  ranks, angles and curvature at log-spaced samples; only with diagnostics=rank
snapshots.npz        what the weights learned and how letters are read, at log-spaced samples; only with snapshots=log
familiarity.npz      what predict tells letters from other things by
checkpoints/         the newest two checkpoints
events.out.*         event files of TensorBoard
train/events.out.*   the same, with the curves of the training letters
page.html            the page of the run; only with page=true, or after letterocr show
result.json          status, errors and time; written when the run is over
failure.json         why the run failed in a sweep; removed when the run is tried again
lock.N.json          the process that trains the run; see lock.py
"""

from __future__ import annotations

import functools
import platform
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.base.files import flush_folders, write_json, write_text
from letterocr.base.home import expand_path
from letterocr.base.owner import read_slurm_job
from letterocr.base.threads import count_threads
from letterocr.base.version import __version__
from letterocr.compose.defaults import find_defaults, list_fields
from letterocr.compose.devices import DeviceChoice
from letterocr.compose.from_overrides import resolve_config
from letterocr.config.identity import compute_identity, to_plain
from letterocr.config.label import name_folder
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Letters, Split
from letterocr.matrix.familiarity import Familiarity, learn_familiarity
from letterocr.run.curve import Curve

FAMILIARITY = "familiarity.npz"


def locate_folder(config: TrainConfig) -> Path:
    """Return the folder of a run, a subfolder of `output`: the one that is there, or else the one to be made.

    Its name tells the network, what differs from the defaults, and the run's identity, which alone is unique.
    """
    output, identity = expand_path(config.output), compute_identity(config)
    before = output / _name_before_labels(config, identity)
    return before if before.is_dir() else output / name_folder(list_fields(config), find_defaults(config), identity)


def _name_before_labels(config: TrainConfig, identity: str) -> str:
    """Return the name that versions before 0.1.0 gave to the folder of this run."""
    return re.sub(r"[^\w.-]", "_", f"{config.model.name}-{config.rule}-{config.data.name}-{identity}")


def write_config(folder: Path, config: TrainConfig, later: bool = False) -> None:
    """Store the resolved config with absolute paths, so that the run can be resumed from any working directory.

    Args:
        folder: the run folder.
        config: config of the run.
        later: as in `files.replace_file`; for a run without a checkpoint, which has nothing to lose yet.
    """
    stored = to_plain(config)
    if stored["data"].get("path"):
        stored["data"]["path"] = str(expand_path(stored["data"]["path"]).resolve())
    write_text(folder / "config.yaml", _format_yaml(stored), later)


def _format_yaml(stored: dict[str, Any]) -> str:
    """Return the YAML text that OmegaConf would write, in a tenth of the time."""
    import yaml

    return yaml.dump(stored, Dumper=_make_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False)


@functools.cache
def _make_dumper() -> Any:
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """YAML writer that quotes texts that look like numbers: OmegaConf reads 1e3 as a number, YAML does not."""

    def text(dumper: Any, value: str) -> Any:
        style = "'" if re.match(r"[-+.\d]|inf|nan", value, re.IGNORECASE) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)

    Dumper.add_representer(str, text)
    return Dumper


def write_environment(folder: Path, facts: dict[str, Any], later: bool = False) -> None:
    """Store the versions of the software that trains the run, and further facts.

    Args:
        folder: the run folder.
        facts: further entries of the file, by name.
        later: as in `write_config`.
    """
    import numpy

    versions = {"letterocr": __version__, "python": platform.python_version()}
    versions |= {"torch": torch.__version__, "numpy": numpy.__version__, "platform": platform.platform()}
    write_json(folder / "environment.json", versions | facts, later)


def check_space(folder: Path, state: Mapping[str, Tensor], curve: Curve) -> None:
    """Make the folder, and check that its disk has room for the run.

    Args:
        folder: the run folder.
        state: tensors of a checkpoint.
        curve: curve of the run.

    Raises:
        UserError: there may be too little room.
    """
    needed = 3 * sum(tensor.nbytes for tensor in state.values()) + 40 * curve.loss.size + 20_000_000
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{folder} has {free / 1e6:.0f} MB free and this run may need {needed / 1e6:.0f} MB: "
            "make room or take another output=."
        )


def prepare_folder(
    folder: Path, config: TrainConfig, split: Split, rates: list[float], choice: DeviceChoice, resume: bool
) -> None:
    """Write the config and the environment of a run; remove an earlier run first, unless it is resumed.

    Args:
        folder: the run folder.
        config: config of the run.
        split: training and test letters.
        rates: learning rate of each replica.
        choice: device of the engine, and why.
        resume: whether the run is resumed.
    """
    if not resume:
        clear_folder(folder)
    clear_temporary(folder)
    write_config(folder, config, later=not resume)
    facts: dict[str, Any] = {"device": str(choice.device), "device_reason": choice.reason}
    facts |= {"threads": count_threads(config.threads)}
    facts |= {"letters": split.fingerprint(), "alphabet": split.train.alphabet}
    facts |= {"box": split.train.box(), "learning_rates": rates}
    facts |= {"job": read_slurm_job()} if read_slurm_job() else {}
    write_environment(folder, facts, later=not resume)


def keep_familiarity(folder: Path, letters: Letters) -> None:
    """Write what tells letters from other things for `letterocr predict`, unless the folder has it."""
    if not (folder / FAMILIARITY).exists():
        _learn_once(letters).save(folder / FAMILIARITY)


_learned: dict[str, Familiarity] = {}  # of the letters learned last: the runs of a sweep share them


def _learn_once(letters: Letters) -> Familiarity:
    fingerprint = letters.fingerprint()
    if fingerprint not in _learned:
        _learned.clear()
        _learned[fingerprint] = learn_familiarity(letters)
    return _learned[fingerprint]


def clear_folder(folder: Path) -> None:
    """Remove the files of an earlier run of the same config, and no others.

    Its result goes first, also on disk, as it says that the other files are there; then what vouches for checkpoints.
    Before them go the removals of older checkpoints, of which a power failure may have kept one file.
    """
    flush_folders(folder.glob("checkpoints/*"))
    rest = ("checkpoints/*", "environment.json", "page.html", "snapshots.npz", FAMILIARITY, "*.parquet")
    events = ("events.out.*", "train/events.out.*")
    for patterns in (("result.json",), ("checkpoints/*.json",), (*rest, *events)):
        paths = [path for pattern in patterns for path in folder.glob(pattern)]
        for path in paths:
            path.unlink(missing_ok=True)
        flush_folders(paths)


def clear_temporary(folder: Path) -> None:
    """Remove the temporary files that a killed process left in the run folder."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def locate_run(cfg: Any, overrides: list[str]) -> tuple[TrainConfig, Path]:
    """Return the config of a run and its folder.

    Args:
        cfg: Hydra's config.
        overrides: overrides of the command.

    Returns:
        The typed config, and the folder that `resume` names, or else the folder that the config names.
    """
    config = resolve_config(cfg, overrides)
    named = str(cfg.resume).lower() not in ("true", "false")
    return config, expand_path(cfg.resume) if named else locate_folder(config)
