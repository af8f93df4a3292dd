"""The command `python -m letterocr.compare`: optimizers compared fairly on several problems; it resumes.

Every run is kept in a small file below the output folder as soon as it is done, named by what it is: given again, the
command does only what is not done yet. More trials, seeds, problems or optimizers keep what is there.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.signals import exit_with_sentence
from letterocr.compare.contenders import CONTENDERS, NETWORKS

DESCRIPTION = """Compare optimizers: tuned on a part of the training letters, all at the same number of trials, then
trained at the same seeds and measured on the test letters; error against samples, multiply-adds and
seconds. Ends in OUTPUT/results.md, results.json and pictures. Stopped or killed, it goes on when the same
command is given again. Most of the time goes into `learned`, which makes each weight's step by itself."""


def make_parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = argparse.ArgumentParser(
        prog="python -m letterocr.compare",
        description=DESCRIPTION,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=100),
    )
    add = made.add_argument
    add("--data", nargs="+", default=["synthetic"], metavar="SOURCE", help="synthetic, emnist[=PATH], images=PATH")
    add("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS, metavar="NETWORK", help=", ".join(NETWORKS))
    add(
        "--optimizers",
        nargs="+",
        default=list(CONTENDERS),
        choices=CONTENDERS,
        metavar="NAME",
        help=", ".join(CONTENDERS),
    )
    add("--hidden", type=int, default=32, help="width of each hidden layer (default %(default)s)")
    add("--samples", type=int, default=1500, help="samples that each run learns (default %(default)s)")
    add("--trials", type=int, default=11, help="points of each search space (default %(default)s)")
    add("--seeds", type=int, default=10, help="final runs of each setting (default %(default)s)")
    add("--workers", type=int, default=len(os.sched_getaffinity(0)), help="runs side by side (default: the cores)")
    add("--output", type=Path, default=Path("outputs/compare"), help="folder (default %(default)s)")
    return made


def check_arguments(arguments: argparse.Namespace) -> None:
    """Refuse numbers that mean nothing.

    Raises:
        UserError: names the option, its value and what it may be.
    """
    for name in ("hidden", "samples", "trials", "seeds", "workers"):
        value = getattr(arguments, name)
        if value < 1:
            raise UserError(f"--{name} {value}: must be at least 1.")


def run(arguments: argparse.Namespace, command: str) -> Path:
    """Do the comparison and write what it came to; the folder.

    Raises:
        UserError: what the user can mend, before any training where it can be known.
    """
    from letterocr.compare import results
    from letterocr.compare.problems import Problem, parse_source
    from letterocr.compare.protocol import BASELINE, compare, enter

    check_arguments(arguments)
    sources = [parse_source(text) for text in arguments.data]
    names = [n for n in CONTENDERS if n in {BASELINE, *arguments.optimizers}]  # the baseline sets the targets
    problems = [Problem(n, arguments.hidden, s, arguments.samples) for s in sources for n in arguments.networks]
    if len({p.name for p in problems}) < len(problems):
        raise UserError(f"--data {' '.join(arguments.data)}: two sources have one name; rename a file.")
    entrants = enter(problems, names, arguments.trials)
    facts = {"command": command, **{n: getattr(arguments, n) for n in ("trials", "seeds", "samples", "workers")}}
    facts |= {"machine": results.read_machine(), "meta_training": results.collect_meta_costs(names)}
    standings = compare(entrants, arguments.seeds, arguments.output, arguments.workers)
    results.write_results(standings, names, facts, arguments.output)
    return arguments.output


@end_quietly()
def main() -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    arguments = make_parser().parse_args()
    command = f"python -m letterocr.compare {shlex.join(sys.argv[1:])}".strip()
    try:
        with exit_with_sentence("what is done is kept: give the same command again."):
            folder = run(arguments, command)
        print(f"{folder / 'results.md'} has the tables, and the pictures are beside it.")
    except OSError as error:
        place = error.filename or arguments.output
        sys.exit(complain(f"{place} can't be used ({error.strerror}): take another path."))


if __name__ == "__main__":
    main()
