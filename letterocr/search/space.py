"""Search spaces: the files of `conf/search/`, checked field by field.

A line is `field: {low, high}`, with `log: true` or `int: true` if wanted, or `field: {choices: [...]}`. Fields are
named as on the command line of `letterocr.train`, config groups included.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from letterocr.base.errors import UserError
from letterocr.base.home import expand_path
from letterocr.base.suggest import suggest
from letterocr.base.untrusted import read_yaml
from letterocr.compose.overrides import list_choices
from letterocr.compose.presets import find_conf_folder
from letterocr.config.train import list_runtime_fields

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

KEYS = {"low", "high", "log", "int", "choices"}
KEPT = list_runtime_fields() | {"samples", "seed", "experiment", "launcher"}


@dataclass(frozen=True)
class SearchedField:
    """The values of one searched field: either choices or a range of numbers.

    Attributes:
        choices: the values, if they are a list; lists among them as JSON text, null as `null`.
        low: smallest number.
        high: largest number.
        log: whether the logarithm is drawn uniformly.
        whole: whether only whole numbers are drawn.
    """

    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    def list_ends(self) -> tuple[Any, ...]:
        """Return the values to check for all others: each choice, or the smallest and the largest number."""
        return self.choices or (self.low, self.high)

    def make_distribution(self) -> BaseDistribution:
        """Return the distribution for Optuna."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)


Space = dict[str, SearchedField]


def format_override(field: str, value: Any) -> str:
    """Return the value of a field as on the command line.

    Example:
        >>> format_override("model.bias", True)
        'model.bias=true'
    """
    return f"{field}={json.dumps(value) if isinstance(value, bool) or value is None else value}"


def list_spaces() -> list[str]:
    """Return the names of the search spaces in `conf/search/`."""
    return sorted(path.stem for path in (find_conf_folder() / "search").glob("*.yaml"))


def read_space(name: str) -> Space:
    """Read a search space from `conf/search/`, or from a file of the user.

    Args:
        name: a name in `conf/search/`, or the path of a .yaml file.

    Raises:
        UserError: names the file, the field and what is wrong with it.
    """
    own = name.endswith((".yaml", ".yml"))
    if not own and name not in list_spaces():
        hint = suggest(name, list_spaces(), f"choose one of {', '.join(list_spaces())}, or give a .yaml file.")
        raise UserError(f"search={name}: there is no such search space; {hint}")
    path = expand_path(name) if own else find_conf_folder() / "search" / f"{name}.yaml"
    try:
        stored = read_yaml(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read ({error}): mend the file.") from error
    return check_space(stored, path.name)


def check_space(stored: Any, place: str) -> Space:
    """Check the content of a file and return its search space.

    Args:
        stored: content of the file.
        place: name of the file, for messages.

    Raises:
        UserError: names the field and what is wrong with it.

    Example:
        >>> space = check_space({"learning_rate": {"low": 0.001, "high": 1, "log": True}}, "rates.yaml")
        >>> space["learning_rate"].list_ends()
        (0.001, 1.0)
    """
    if not isinstance(stored, dict) or not stored:
        raise UserError(f"{place}: must name at least one field, as in learning_rate: {{low: 0.001, high: 1}}.")
    space = {}
    for field, given in stored.items():
        _check_name(field, place)
        space[field] = _read_range(given, f"{place}: {field}")
    return space


def _check_name(field: Any, place: str) -> None:
    known = set(list_choices())
    if field in KEPT:
        raise UserError(f"{place}: {field} is the same for all trials of a search; give it on the command line.")
    if field not in known:
        hint = suggest(field, known - KEPT, "letterocr train --help lists every field.")
        raise UserError(f"{place}: there is no field {field}; {hint}")


def _parse_number(value: Any, place: str, key: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # YAML reads 1e-4 as text
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"{place}: {key}={value} must be a finite number.")
    return number


def _read_range(given: Any, place: str) -> SearchedField:
    if not isinstance(given, dict) or not ({"choices"} == set(given) or {"low", "high"} <= set(given)):
        raise UserError(f"{place}: must be {{low: ..., high: ...}} or {{choices: [...]}}.")
    unknown = sorted(map(str, set(given) - KEYS | (set(given) & {"choices"} if "low" in given else set())))
    if unknown:
        raise UserError(f"{place}: there is no key {unknown[0]} here; use low, high, log and int, or choices alone.")
    if "choices" in given:
        return SearchedField(choices=_read_choices(given["choices"], place))
    low, high = _parse_number(given["low"], place, "low"), _parse_number(given["high"], place, "high")
    flags = {key: given.get(key, False) for key in ("log", "int")}
    for key, flag in flags.items():
        if not isinstance(flag, bool):
            raise UserError(f"{place}: {key}={flag} must be true or false.")
    if low >= high:
        raise UserError(f"{place}: low={low:g} must be below high={high:g}.")
    if flags["log"] and low <= 0:
        raise UserError(f"{place}: low={low:g} must be above 0, as log=true draws the logarithm.")
    if flags["int"] and not (low.is_integer() and high.is_integer()):
        raise UserError(f"{place}: low={low:g} and high={high:g} must be whole numbers, as int=true asks for.")
    if flags["int"]:
        low, high = int(low), int(high)
    return SearchedField((), low, high, flags["log"], flags["int"])


def _read_choices(given: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(given, list) or not given:
        raise UserError(f"{place}: choices={given} must be a list of at least one value.")
    choices = tuple(v if isinstance(v, bool | int | float | str) else json.dumps(v) for v in given)
    if len(set(map(str, choices))) < len(choices):
        raise UserError(f"{place}: choices={given} has a value twice; give each value once.")
    return choices
