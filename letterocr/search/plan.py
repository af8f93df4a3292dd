"""Plan of a study: its search space, the settings that all trials share, and its seed; stored as `study.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.base.files import read_json, write_json
from letterocr.base.home import expand_path
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.grammar import read_text, write_text
from letterocr.config.check import check_config
from letterocr.config.label import describe_field
from letterocr.config.train import TrainConfig
from letterocr.search.space import SearchedField, Space, format_override

RUNS = "runs"  # subfolder of a study for its run folders
WORKERS = "workers"  # subfolder of a study for the heartbeats and logs of its workers


@dataclass(frozen=True)
class Plan:
    """A study before any trial.

    Attributes:
        space: the searched fields and their values.
        overrides: the settings of all trials, as on the command line of `letterocr.train`.
        seed: seed of the sampler.
    """

    space: Space
    overrides: list[str]
    seed: int = 0

    def make_config(self, folder: Path, values: dict[str, Any], threads: int = 0) -> TrainConfig:
        """Return the config of a trial.

        Args:
            folder: folder of the study.
            values: values of the searched fields.
            threads: CPU threads of the run; 0 as the overrides say.

        Raises:
            UserError: the values do not fit together.
        """
        config = compose_config([*self.overrides, *(format_override(name, value) for name, value in values.items())])
        config.output, config.resume, config.force = str(folder / RUNS), "true", False
        config.threads = threads or config.threads
        return config

    def check(self) -> None:
        """Check both ends of every range, so that a mistake is found before any training.

        Raises:
            UserError: names the first value that does not fit.
        """
        for given in self.overrides:
            if given.partition("=")[0] in self.space:
                raise UserError(f"{given}: the search varies this field; leave it out.")
        start = {name: values.list_ends()[0] for name, values in self.space.items()}
        for name, values in self.space.items():
            for value in values.list_ends():
                check_config(self.make_config(Path(), start | {name: value}))


def _make_absolute(given: str) -> str:
    """Make a path absolute, so that it counts from the folder where the search started, wherever its workers run."""
    key, _, value = given.partition("=")
    if key in ("data.path", "optimizer.path") and value not in ("", "null"):
        return f"{key}={write_text(str(expand_path(read_text(value)).resolve()))}"
    return given


def store_plan(folder: Path, plan: Plan) -> Plan:
    """Make the study's folder, or check that it already holds the same study.

    Args:
        folder: folder of the study.
        plan: the study.

    Returns:
        The plan, with absolute paths.

    Raises:
        UserError: the folder holds another study.
    """
    plan = Plan(plan.space, [_make_absolute(given) for given in plan.overrides], plan.seed)
    if (folder / "study.json").exists():
        stored = read_plan(folder)
        if stored != plan:
            was = " ".join(stored.overrides) or "no overrides"
            raise UserError(
                f"{folder} holds a study of other settings ({was}, seed {stored.seed}): take another output=."
            )
        return plan
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "study.json", asdict(plan))
    return plan


def read_plan(folder: Path) -> Plan:
    """Read the plan of a study from its folder.

    Raises:
        UserError: the folder is not the folder of a study, or its plan is damaged.
    """
    path = folder / "study.json"
    stored = read_json(path)
    if not stored:
        raise UserError(f"{folder} is not the folder of a study (it has no study.json): give the folder of a search.")
    try:
        space = {
            name: SearchedField(**{**given, "choices": tuple(given["choices"])})
            for name, given in stored["space"].items()
        }
        return Plan(space, list(stored["overrides"]), int(stored["seed"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}): start the search with another output=.") from error


def complete_name(name: str) -> str:
    """Return the full name of a searched field; a choice such as `model` sets the name of its group."""
    return f"{name}.name" if name in ("model", "data", "optimizer") else name


def label_trial(values: dict[str, Any]) -> str:
    """Return the values of a trial in words.

    Example:
        >>> label_trial({"learning_rate": 0.02, "model": "two_layer"})
        'learning rate 0.02, two layers'
    """
    return ", ".join(describe_field(complete_name(name), v) for name, v in values.items()) or "no searched field"
