"""The command `letterocr meta_train`: training of the update rules of `learned` and `learned_factored`.

The files in the package were made (torch 2.14.1, one thread) by

    letterocr meta_train which=learned seed=1
    letterocr meta_train which=learned_factored steps=400 unroll=50 replicas=8

The method is truncated backpropagation through time (Andrychowicz et al. 2016). The rule trains small letter networks
for some 100 updates, split into unrolls. After each unroll, Adam changes the rule so that the mean loss of the networks
over the unroll, on other letters, falls (`episodes`). An unroll has 20 updates in the paper and by default here. The
letters are synthetic. A run that was stopped continues from its last checkpoint, with the same result bit for bit.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, end_quietly
from letterocr.base.home import expand_path
from letterocr.base.signals import exit_with_sentence
from letterocr.meta_train.trainer import RULES, MetaTrainingSettings, meta_train


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    examples = ["letterocr meta_train which=learned_factored steps=400 unroll=50 replicas=8"]
    parser = CommandParser("meta_train", "Train the update rule of a learned optimizer.", examples)
    add, default = parser.add_field, MetaTrainingSettings
    add("which", "", "the rule to train", choices=RULES, shown="|".join(RULES))
    add("steps", default.steps, "meta-steps; each one follows one unroll", int, low=1)
    add("unroll", default.unroll, "updates of the networks in one unroll", int, low=1)
    add("replicas", default.replicas, "networks trained side by side", int, low=1)
    add("rate", default.rate, "Adam's learning rate", float, low=0)
    add("seed", default.seed, "seed of the rule, the networks and the letters", int)
    add("letters", default.letters, "synthetic letters of each class", int, low=1)
    add("output", None, "the file of the rule", expand_path, shown="outputs/meta/WHICH.safetensors")
    add("checkpoints", None, "the folder of the checkpoints", expand_path, shown="beside the file")
    return parser


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    given = make_parser().parse_args(arguments)
    with exit_with_sentence("the same command continues from its last checkpoint."):
        settings = _read_settings(given)
        output = given.output or Path("outputs/meta") / f"{settings.which}.safetensors"
        meta_train(settings, output, given.checkpoints or output.with_suffix(".checkpoints"))


def _read_settings(given: argparse.Namespace) -> MetaTrainingSettings:
    """Return the settings of the command.

    Raises:
        UserError: no rule is named.
    """
    if not given.which:
        raise UserError(f"which=: name the rule, {' or '.join(f'which={name}' for name in RULES)}.")
    return MetaTrainingSettings(
        given.which, given.steps, given.unroll, given.replicas, given.rate, given.seed, given.letters
    )


if __name__ == "__main__":
    main()
