"""The command `letterocr learning_rate [field=value ...]`: limits and best values of the learning rate.

For the two-layer network they follow from the eigenvalues of the letters (29). For any network the command estimates
the largest curvature at the initial weights (LeCun, Simard, Pearlmutter 1993).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.threads import limit_threads
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.overrides import list_choices
from letterocr.config.check import check_config
from letterocr.config.refusal import refuse
from letterocr.config.train import TrainConfig

if TYPE_CHECKING:
    from torch import Tensor

    from letterocr.data.letters import Letters

ABOUT = """Show limits and best values of the learning rate of gradient descent for a network, a rule and letters, and
the factor by which one epoch shrinks the error. The fields are those of `letterocr train`."""


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    examples = [
        "letterocr learning_rate model=two_layer data=synthetic",
        "letterocr learning_rate model=three_layer rule=printed --json",
        "letterocr learning_rate resume=RUN_FOLDER   # the settings of a run",
    ]
    parser = CommandParser("learning_rate", ABOUT, examples, overrides=list_choices(), forms="[field=value ...]")
    help = "print one JSON object, for programs; null stands for a number that is not finite"
    parser.add_option("json", help, action="store_true")
    return parser


@dataclass(frozen=True)
class Figure:
    """One line of the result.

    Attributes:
        name: name of the figure.
        value: its value; a list has one value for each replica.
        meaning: its explanation.
    """

    name: str
    value: float | list[float]
    meaning: str


def measure_figures(config: TrainConfig, train: Letters) -> list[Figure]:
    """Measure everything that the command prints.

    Args:
        config: config of the run.
        train: training letters.

    Raises:
        UserError: the letters are empty, the loss factor is 0, or the network is not a chain of weight matrices.
    """
    from letterocr.compose import learning_rates
    from letterocr.matrix import rate_bounds

    if not config.model.is_chain:
        refuse("model", config.model.kind, "it is not a chain of weight matrices; take another model")
    letters = rate_bounds.with_bias(train.images, config.model.bias)
    if not letters.any() or not config.loss_factor:
        what = f"data={config.data.name}: the letters are empty" if config.loss_factor else "loss_factor=0: no loss"
        raise UserError(f"{what}, so every learning rate is as good as another.")
    curvatures = learning_rates.estimate_initial_curvatures(config, train)
    alphas = learning_rates.resolve_learning_rates(config, train, curvatures)
    values = rate_bounds.eigenvalues(letters)
    found = [
        Figure("letters", len(letters), "N, training letters"),
        Figure("inputs", letters.shape[1], "D, pixels, and one more input for a bias"),
        Figure("rank", len(values), "number of dimensions that the letters span"),
        Figure("lambda_max", float(values[0]), "largest eigenvalue of R = (1/N) A A^T (29)"),
        Figure("lambda_min", float(values[-1]), "smallest eigenvalue of R above 0"),
    ]
    if config.model.is_quadratic:
        found += _measure_two_layer(config, letters, values, alphas)
    found += [
        Figure("curvature", curvatures, "largest one at the initial weights, estimated online (LeCun et al. 1993)"),
        Figure("curvature_rate", [rate_bounds.lecun_rate(c) for c in curvatures], "1/curvature"),
        Figure("learning_rate", alphas, "of this config" + (", auto" if config.learning_rate == "auto" else "")),
    ]
    return found


def _measure_two_layer(config: TrainConfig, letters: Tensor, values: Tensor, alphas: list[float]) -> list[Figure]:
    """Return the learning rates of the two-layer network from the eigenvalues of R, largest first."""
    from letterocr.matrix import rate_bounds

    f = config.loss_factor
    largest, smallest = 2 * f * float(values[0]), 2 * f * float(values[-1])
    coordinates = rate_bounds.coordinates(letters)
    safe = rate_bounds.sample_limit(letters, f)
    radii = [rate_bounds.epoch_radius(coordinates, alpha, f) for alpha in alphas]
    h, h2 = _format_numerator(1, f), _format_numerator(2, f)
    return [
        Figure("lecun_rate", rate_bounds.lecun_rate(largest), f"full batch: {h}/lambda_max (LeCun et al. 1991)"),
        Figure("stability_limit", rate_bounds.stability_limit(largest), f"full batch: {h2}/lambda_max, diverges above"),
        Figure(
            "best_fixed_rate",
            rate_bounds.best_fixed_rate(largest, smallest),
            f"full batch: {h2}/(lambda_max + lambda_min), fastest in the long run",
        ),
        Figure("sample_limit", safe, f"per sample: {h2}/max|a|^2, safe in every order and batch"),
        Figure(
            "epoch_limit", rate_bounds.epoch_limit(coordinates, f), "per sample, cyclic: the error shrinks below it"
        ),
        Figure(
            "radius_at_sample_limit",
            rate_bounds.epoch_radius(coordinates, safe, f),
            "factor of the error in one epoch at sample_limit",
        ),
        Figure("radius", radii, "the same factor at the learning rate of this config"),
    ]


def _format_numerator(numerator: float, loss_factor: float) -> str:
    """Format the numerator of a rate for the loss f |q - c|^2: the numerator for the half-loss, divided by 2 f."""
    return f"{numerator / (2 * loss_factor):g}"


def format_table(found: list[Figure]) -> str:
    """Return the figures as a table: name, value and meaning on each line."""
    shown = [", ".join(f"{v:.6g}" for v in _select_unique(figure.value)) for figure in found]
    name, value = max(len(figure.name) for figure in found), max(map(len, shown))
    return "\n".join(f"  {f.name:<{name}}  {text:<{value}}  {f.meaning}" for f, text in zip(found, shown, strict=True))


def _select_unique(value: float | list[float]) -> list[float]:
    """Return the values, or only one of them if all replicas have the same."""
    values = value if isinstance(value, list) else [value]
    return values[:1] if len(set(values)) == 1 else values


def format_json(found: list[Figure]) -> str:
    """Return the figures as one JSON object; a number that is not finite becomes null."""

    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    values = {f.name: [finite(v) for v in f.value] if isinstance(f.value, list) else finite(f.value) for f in found}
    return json.dumps(values)


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    given = make_parser().parse_args(arguments)
    try:
        config = compose_config(given.overrides)
        check_config(config)
        from letterocr.compose import registry

        with limit_threads(config.threads):
            found = measure_figures(config, registry.load_letters(config.data).train)
    except UserError as error:
        sys.exit(complain(str(error)))
    if given.json:
        print(format_json(found))
        return
    print(f"{config.model.name}, {config.rule} rule, {config.data.name} letters, loss {config.loss_factor:g} |q-c|^2")
    print(format_table(found))


if __name__ == "__main__":
    main()
