"""The command `python -m letterocr.meta_train`: trains the rules that `optimizer=learned...` follow.

    python -m letterocr.meta_train which=learned --seed 1
    python -m letterocr.meta_train which=learned_factored --steps 400 --unroll 50 --replicas 8

made the files that ship with the package (torch 2.14.1, one thread). Truncated backpropagation through time
(Andrychowicz et al. 2016): the rule trains small letter networks for some 100 updates; after each unroll of them Adam
changes the rule so that the networks' loss on other letters, mean over the unroll, falls (`episodes`). The paper's
unrolls have 20 updates, the default here. Letters are synthetic.
A run that was stopped goes on from its last checkpoint, bit for bit.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from letterocr.base.errors import UserError, end_quietly
from letterocr.base.signals import exit_with_sentence
from letterocr.meta_train.trainer import RULES, MetaTrainingSettings, meta_train


@end_quietly()
def main() -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m letterocr.meta_train", description="Train the rule that a learned optimizer follows."
    )
    add, default = parser.add_argument, MetaTrainingSettings
    add("which", help=" or ".join(f"which={name}" for name in RULES))
    add("--steps", type=int, default=default.steps, help="meta-steps, each after one unroll")
    add("--unroll", type=int, default=default.unroll, help="updates a meta-step")
    add("--replicas", type=int, default=default.replicas, help="networks trained side by side")
    add("--rate", type=float, default=default.rate, help="Adam's learning rate")
    add("--seed", type=int, default=default.seed, help="of the rule, networks and letters")
    add("--letters", type=int, default=default.letters, help="synthetic letters of each class")
    add("--output", type=Path, help="the file; by default outputs/meta/WHICH.safetensors")
    add("--checkpoints", type=Path, help="their folder; by default beside the file")
    args = parser.parse_args()
    with exit_with_sentence("the same command goes on from its last checkpoint."):
        settings = _read_settings(args)
        output = args.output or Path("outputs/meta") / f"{settings.which}.safetensors"
        meta_train(settings, output, args.checkpoints or output.with_suffix(".checkpoints"))


def _read_settings(args: argparse.Namespace) -> MetaTrainingSettings:
    """The settings of the command.

    Raises:
        UserError: names the option, its value and what it may be.
    """
    which = args.which.removeprefix("which=")
    if which not in RULES:
        raise UserError(f"which={which}: must be one of {', '.join(RULES)}.")
    for name in ("steps", "unroll", "replicas", "letters"):
        if getattr(args, name) < 1:
            raise UserError(f"{name}={getattr(args, name)}: must be a whole number, at least 1.")
    if not (math.isfinite(args.rate) and args.rate >= 0):
        raise UserError(f"rate={args.rate}: must be a finite number, at least 0.")
    return MetaTrainingSettings(which, args.steps, args.unroll, args.replicas, args.rate, args.seed, args.letters)


if __name__ == "__main__":
    main()
