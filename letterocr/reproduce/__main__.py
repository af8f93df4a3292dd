"""The command `python -m letterocr.reproduce [CLAIM ...]`: the paper's claims, measured, on one page."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from letterocr.base.errors import UserError, end_quietly
from letterocr.base.signals import exit_with_sentence
from letterocr.compose import registry
from letterocr.config.data import SourceConfig

if TYPE_CHECKING:
    from letterocr.reproduce.finding import Finding, Material


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes:
        title: with the paper's numbers.
        target: `module:function` of `letterocr.reproduce`, from a `Material` to a `Finding`.
    """

    title: str
    target: str


CLAIMS = {
    "fig3": Claim("Fig. 3: the left inverse misreads E as L", "letter_claims:judge_misreading"),
    "arithmetic": Claim("(9): letter arithmetic", "letter_claims:judge_arithmetic"),
    "bias": Claim("(12): what a bias mends", "letter_claims:judge_bias"),
    "fig4": Claim("Fig. 4: a letter from r singular values", "letter_claims:judge_reconstruction"),
    "fig5": Claim("Fig. 5: the singular values", "letter_claims:judge_singular_values"),
    "rank": Claim("Fig. 5: the effective rank", "letter_claims:judge_rank"),
    "linear": Claim("(21-27): a linear hidden layer", "layer_claims:judge_linear_hidden_layer"),
    "sigmoid": Claim("(21-27): what the sigmoid buys", "layer_claims:judge_sigmoid"),
    "symmetry": Claim("(28): the symmetry of a hidden layer", "layer_claims:judge_symmetry"),
    "rate": Claim("(29): the best learning rate", "rate_claims:judge_best_rate"),
    "normal": Claim("(29-31): the least-norm solution", "layer_claims:judge_normal_equations"),
    "fig7": Claim("Fig. 7: two layers against three", "run_claims:judge_two_against_three"),
    "fig8": Claim("Fig. 8: four layers", "run_claims:judge_four_layers"),
}


def make_parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    claims = "\n".join(f"  {name:<11} {claim.title}" for name, claim in CLAIMS.items())
    made = argparse.ArgumentParser(
        prog="python -m letterocr.reproduce",
        description=f"{__doc__}\n\nclaims (all of them if none is named; fig7 and fig8 train):\n{claims}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("claims", nargs="*", metavar="CLAIM")
    made.add_argument("--data", choices=list(registry.DATA), default="synthetic", help="the letters")
    made.add_argument("--path", help="where they are (emnist, images)")
    made.add_argument("--test-per-letter", type=int, default=20, help="test letters of each class")
    made.add_argument("--output", type=Path, default=Path("outputs/reproduce"), help="the folder of the page")
    made.add_argument("--samples", type=int, default=20_000, help="training samples of each run")
    made.add_argument("--replicas", type=int, default=10, help="networks side by side, for medians and quartiles")
    made.add_argument("--every", type=int, default=50, help="samples between two measurements of the test error")
    made.add_argument("--threads", type=int, default=0, help="CPU threads of each run; 0: as many as there are cores")
    return made


def make_data_config(name: str, path: str | None, test_per_letter: int) -> SourceConfig:
    """The config of the letters.

    Raises:
        UserError: a path where none is taken.
    """
    schema: Any = registry.DATA[name].schema
    config: SourceConfig = schema(test_per_letter=test_per_letter)
    if path is None:
        return config
    if not hasattr(config, "path"):
        raise UserError(f"--path={path}: data {name} is made, not read; leave it out, or take --data emnist or images.")
    config.path = path
    return config


def reproduce(names: list[str], material: Material, output: Path, about: dict[str, str]) -> Path:
    """Measure the claims one after another; after each the page is whole.

    Returns:
        The path of the page.
    """
    from letterocr.reproduce.claims_page import write_figures, write_page

    findings: dict[str, Finding] = {}
    titles = {name: claim.title for name, claim in CLAIMS.items()}
    for name in names:
        finding = findings[name] = resolve_name(f"letterocr.reproduce.{CLAIMS[name].target}")(material)
        write_figures(output, finding)
        page = write_page(output, titles, findings, about)
        print(f"{CLAIMS[name].title}: {finding.verdict}. {finding.evidence}", flush=True)
    return page


def _main(arguments: argparse.Namespace) -> None:
    unknown = [name for name in arguments.claims if name not in CLAIMS]
    if unknown:
        raise UserError(f"{unknown[0]} is no claim; choose among {', '.join(CLAIMS)}.")
    for field, least in (("test_per_letter", 1), ("samples", 10), ("replicas", 1), ("every", 1), ("threads", 0)):
        if (number := getattr(arguments, field)) < least:
            raise UserError(f"--{field.replace('_', '-')}={number}: must be at least {least}.")
    config = make_data_config(arguments.data, arguments.path, arguments.test_per_letter)
    from letterocr import __version__
    from letterocr.reproduce.finding import Material

    split = registry.DATA[arguments.data].load()(config)
    runs = arguments.output / "runs"
    training = (arguments.samples, arguments.replicas, arguments.every, arguments.threads)
    material = Material(split, config, runs, *training)
    about = {
        "letters": f"{arguments.data}: {len(split.train):,} make the alphabet and train, {len(split.test)} test",
        "command": shlex.join(["python", "-m", "letterocr.reproduce", *sys.argv[1:]]),
        "version": f"letterocr {__version__}",
    }
    print(reproduce(arguments.claims or list(CLAIMS), material, arguments.output, about), flush=True)


@end_quietly()
def main() -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    arguments = make_parser().parse_args()
    with exit_with_sentence("the page holds what was measured before."):
        _main(arguments)


if __name__ == "__main__":
    main()
