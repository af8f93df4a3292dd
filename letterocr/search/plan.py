"""What a study is: its search space, the settings that all trials share, its seed; `study.json` of its folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from letterocr.base.errors import UserError
from letterocr.base.files import read_json, write_json
from letterocr.compose.from_overrides import compose_config
from letterocr.config.check import check_config
from letterocr.config.train import TrainConfig
from letterocr.search.space import SearchedField, Space, format_override

RUNS = "runs"  # the run folders of a study, below its own
WORKERS = "workers"  # what shows who works on it, and the workers' logs


@dataclass(frozen=True)
class Plan:
    """A study before any trial.

    Attributes:
        space: what varies.
        overrides: what does not, as on the command line of `letterocr.train`.
        seed: of the sampler.
    """

    space: Space
    overrides: list[str]
    seed: int = 0

    def make_config(self, folder: Path, values: dict[str, Any], threads: int = 0) -> TrainConfig:
        """The run of a trial with these values of the searched fields, below the study's folder.

        Raises:
            UserError: they don't fit together.
        """
        config = compose_config([*self.overrides, *(format_override(name, value) for name, value in values.items())])
        config.output, config.resume, config.force = str(folder / RUNS), "true", False
        config.threads = threads or config.threads
        return config

    def check(self) -> None:
        """Try every end of every range, so that a mistake is known before any training.

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
    """Paths count from where the search was asked for, wherever its workers are."""
    key, _, value = given.partition("=")
    if key in ("data.path", "optimizer.path") and value not in ("", "null"):
        return f"{key}={Path(value).expanduser().resolve()}"
    return given


def store_plan(folder: Path, plan: Plan) -> Plan:
    """Make the study's folder, or see that it is a folder of the same study.

    Raises:
        UserError: it is another one's.
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
    """The study of a folder.

    Raises:
        UserError: it is no study's folder, or damaged.
    """
    path = folder / "study.json"
    stored = read_json(path)
    if not stored:
        raise UserError(f"{folder} is no study's folder: it has no study.json.")
    try:
        space = {
            name: SearchedField(**{**given, "choices": tuple(given["choices"])})
            for name, given in stored["space"].items()
        }
        return Plan(space, list(stored["overrides"]), int(stored["seed"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} is damaged ({error}): give the search's command with another output=.") from error
