"""The command `letterocr compare`: a fair comparison of optimizers on several problems.

The result of every run is stored in a small file in the output folder, named by the settings of the run. The same
command, or one with more trials, seeds, problems or optimizers, trains only the runs that are missing.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from letterocr.base.command_line import CommandParser, split_words
from letterocr.base.errors import UserError, complain, end_quietly
from letterocr.base.home import expand_path
from letterocr.base.signals import exit_with_sentence
from letterocr.compare.contenders import CONTENDERS, NETWORKS
from letterocr.compose import registry
from letterocr.config.refusal import refuse

ABOUT = """Compare optimizers. Each one is tuned on a part of the training letters, all with the same number of trials,
then trained with the same seeds and measured on the test letters. The results show the error against samples,
multiply-adds and seconds.

The command writes a page, results.html, with results.md, results.json and pictures into the output folder. If it was
stopped or killed, give it again to continue. Most of the time is spent on optimizer=learned."""


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    examples = [
        "letterocr compare data=emnist optimizer=vanilla,momentum",
        "letterocr compare data=emnist,images data.path=emnist.zip,mine.npz",
    ]
    parser = CommandParser("compare", ABOUT, examples)
    add, option = parser.add_field, parser.add_option
    add("data", ["synthetic"], "sources of letters", split_words, shown="synthetic", choices=registry.DATA)
    add("data.path", [], "one file for each source, null for none", split_words, shown="null")
    add("model", [*NETWORKS], "networks", split_words, shown=",".join(NETWORKS), choices=NETWORKS)
    every = f"optimizers: {', '.join(CONTENDERS)}"
    add("optimizer", [*CONTENDERS], every, split_words, shown="all", choices=CONTENDERS)
    add("model.hidden", 32, "width of each hidden layer", int, low=1)
    add("samples", 1500, "samples that each run learns", int, low=1)
    add("output", Path("outputs/compare"), "the folder of the results", expand_path)
    option("trials", "settings that are tried for each optimizer", type=int, default=11, metavar="N")
    option("seeds", "seeds of the final runs of each optimizer", type=int, default=10, metavar="N")
    option("workers", "runs at the same time", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    return parser


def run(arguments: argparse.Namespace, command: str) -> Path:
    """Run the comparison and write its results.

    Args:
        arguments: parsed arguments of the command.
        command: the command as typed, for the results page.

    Returns:
        The output folder.

    Raises:
        UserError: what the user can mend, before any training where it can be known.
    """
    from letterocr.compare import results
    from letterocr.compare.problems import Problem, make_sources
    from letterocr.compare.protocol import BASELINE, compare, enter

    for name in ("trials", "seeds", "workers"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name} {getattr(arguments, name)}: must be at least 1.")
    sources = make_sources(arguments.data, arguments.data_path)
    names = [n for n in CONTENDERS if n in {BASELINE, *arguments.optimizer}]  # the baseline sets the targets
    width, samples = arguments.model_hidden, arguments.samples
    problems = [Problem(network, width, source, samples) for source in sources for network in arguments.model]
    if len({p.name for p in problems}) < len(problems):
        refuse("data", ",".join(arguments.data), "two sources have the same name; rename a file")
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
    command = f"letterocr compare {shlex.join(sys.argv[1:])}".strip()
    try:
        with exit_with_sentence("what is done is kept: give the same command again."):
            folder = run(arguments, command)
        print(f"Page: {folder / 'results.html'}; the tables are in results.md and the pictures beside it.")
    except OSError as error:
        place = error.filename or arguments.output
        sys.exit(complain(f"{place} can't be used ({error.strerror}): take another path."))


if __name__ == "__main__":
    main()
