"""The command `letterocr reproduce [CLAIM ...]`: the paper's claims, measured, on one page."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, end_quietly
from letterocr.base.home import expand_path
from letterocr.base.signals import exit_with_sentence
from letterocr.base.suggest import suggest
from letterocr.compose import registry
from letterocr.compose.from_overrides import compose_config
from letterocr.compose.overrides import list_choices
from letterocr.config.check import check_config
from letterocr.config.data import CharactersConfig
from letterocr.config.refusal import refuse
from letterocr.config.train import TrainConfig

if TYPE_CHECKING:
    from letterocr.reproduce.finding import Finding, Material


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes:
        title: title with the number of the figure or equation in the paper.
        target: `module:function` in `letterocr.reproduce`; the function takes a `Material` and returns a `Finding`.
    """

    title: str
    target: str


CLAIMS = {
    "fig3": Claim("Fig. 3: the left inverse misreads E as L", "letter_claims:judge_misreading"),
    "arithmetic": Claim("(9a): letter arithmetic", "letter_claims:judge_arithmetic"),
    "digit": Claim("(9b): letter arithmetic with a digit", "digit_claims:judge_digit_arithmetic"),
    "bias": Claim("(12): what a bias mends", "letter_claims:judge_bias"),
    "fig4": Claim("Fig. 4: a letter from r singular values", "spectrum_claims:judge_reconstruction"),
    "fig5": Claim("Fig. 5: the singular values", "spectrum_claims:judge_singular_values"),
    "rank": Claim("Fig. 5: the effective rank", "spectrum_claims:judge_rank"),
    "linear": Claim("(21-27): a linear hidden layer", "layer_claims:judge_linear_hidden_layer"),
    "sigmoid": Claim("(21-27): what the sigmoid buys", "layer_claims:judge_sigmoid"),
    "symmetry": Claim("(28): the symmetry of a hidden layer", "layer_claims:judge_symmetry"),
    "rate": Claim("(29): the best learning rate", "rate_claims:judge_best_rate"),
    "normal": Claim("(29-31): the least-norm solution", "layer_claims:judge_normal_equations"),
    "fig7": Claim("Fig. 7: two layers against three", "run_claims:judge_two_against_three"),
    "fig8": Claim("Fig. 8: four layers", "run_claims:judge_four_layers"),
}


LEAST_SAMPLES = 10  # least samples of each run of fig7 and fig8
DEFAULTS = {"samples": "20000", "replicas": "10", "evaluate_every": "50", "threads": "0", "output": "outputs/reproduce"}


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    keys = list_choices()
    taken = {name: choices for name, choices in keys.items() if name in {*DEFAULTS, "data"} or name.startswith("data.")}
    examples = ["letterocr reproduce fig5 rank", "letterocr reproduce data=images data.path=letters.npz"]
    parser = CommandParser(
        "reproduce",
        "Measure the claims of the paper on the chosen letters, and write one page with figures and verdicts.",
        examples,
        overrides=taken,
    )
    parser.add_word("claims", "claims to measure, from the list below; none: all", nargs="*", metavar="CLAIM")
    parser.rows["claims (fig7 and fig8 train networks)"] = [(name, claim.title) for name, claim in CLAIMS.items()]
    parser.rows["fields, as in letterocr train"] = [
        ("data=synthetic", "the source of the letters; data.path= and its other fields are taken too"),
        *((f"{name}={default}", _find_help(name)) for name, default in DEFAULTS.items()),
    ]
    return parser


def _find_help(name: str) -> str:
    (found,) = (f for f in fields(TrainConfig) if f.name == name)
    return str(found.metadata["help"])


def reproduce(names: list[str], material: Material, output: Path, about: dict[str, str]) -> Path:
    """Measure the claims one after another, and write the page anew after each of them.

    Args:
        names: names of the claims.
        material: letters and settings of the runs.
        output: folder of the page.
        about: facts for the head of the page, by name.

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


def _main(given: argparse.Namespace, command: str) -> None:
    unknown = [name for name in given.claims if name not in CLAIMS]
    if unknown:
        hint = suggest(unknown[0], CLAIMS, f"choose among {', '.join(CLAIMS)}.")
        raise UserError(f"there is no claim {unknown[0]}; {hint}")
    config = _read_config(given.overrides)
    from letterocr.base.version import __version__
    from letterocr.reproduce.finding import Material

    split = registry.load_letters(config.data)
    output = expand_path(config.output)
    every = int(config.evaluate_every)
    material = Material(split, config.data, output / "runs", config.samples, config.replicas, every, config.threads)
    about = {
        "letters": f"{config.data.name}: {len(split.train):,} make the alphabet and train, {len(split.test)} test",
        "command": command,
        "version": f"letterocr {__version__}",
    }
    print(f"Page: {reproduce(given.claims or list(CLAIMS), material, output, about)}", flush=True)


def _read_config(overrides: list[str]) -> TrainConfig:
    """Return the config with the letters and the settings of the runs.

    Raises:
        UserError: the command does not take a field, or a value does not fit.
    """
    taken = (*DEFAULTS, "data")
    for text in overrides:
        name = text.partition("=")[0]
        if name not in taken and not name.startswith("data."):
            raise UserError(f"{text}: reproduce decides this itself; it takes {', '.join(taken)} and the data fields.")
    config = compose_config([*(f"{name}={value}" for name, value in DEFAULTS.items()), *overrides])
    check_config(config)
    if isinstance(config.data, CharactersConfig) and config.data.classes == "digits":
        refuse("data.classes", "digits", "the claims are about letters; take letters or all")
    if config.samples < LEAST_SAMPLES:
        refuse("samples", config.samples, f"must be at least {LEAST_SAMPLES}")
    if config.evaluate_every == "log":
        refuse("evaluate_every", "log", "must be a whole number of samples here")
    return config


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    own = sys.argv[1:] if arguments is None else list(arguments)
    given = make_parser().parse_args(own)
    with exit_with_sentence("the page holds what was measured before."):
        _main(given, shlex.join(["letterocr", "reproduce", *own]))


if __name__ == "__main__":
    main()
