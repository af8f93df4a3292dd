"""The command `letterocr search`: find the settings with the lowest test error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import UserError, end_quietly
from letterocr.base.home import expand_path
from letterocr.base.signals import exit_with_sentence
from letterocr.compose.overrides import list_choices

ABOUT = """Find the settings with the lowest test error, by Optuna. A trial whose error is above the median of the
others stops early. The same command with the same output continues the study up to the given number of trials.

The other fields are those of `letterocr train`, and are the same for all trials."""


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    from letterocr.search.space import list_spaces

    examples = [
        "letterocr search search=learning_rate samples=5000 --trials 30 --workers 2",
        "letterocr search search=my_space.yaml --workers 20 --launcher slurm",
        "letterocr search report outputs/search/learning_rate   # write the page",
    ]
    forms = "search=SPACE [field=value ...]"
    parser = CommandParser("search", ABOUT, examples, overrides=list_choices(), forms=forms)
    parser.add_field("search", "", f"{', '.join(list_spaces())}, or a file like those in conf/search/", shown="SPACE")
    parser.add_field("output", None, "the folder of the study", expand_path, shown="outputs/search/SPACE")
    parser.add_option("trials", "trials of the whole study", type=int, default=30, metavar="N")
    parser.add_option("workers", "processes, or tasks of the SLURM array", type=int, default=1, metavar="N")
    parser.add_option("launcher", "where the workers run", choices=("local", "slurm"), default="local")
    parser.add_option(
        "sbatch", "an option for sbatch, as in --sbatch=--mem=1G; may be repeated", action="append", default=[]
    )
    parser.add_option("sampler-seed", "seed of the draw of the trials", type=int, default=0, metavar="N")
    return parser


def _search(arguments: Sequence[str]) -> int:
    from letterocr.search.plan import WORKERS, Plan, store_plan
    from letterocr.search.space import read_space

    given = make_parser().parse_args(arguments)
    if not given.search:
        raise UserError("search=: name one search space, as in search=learning_rate; --help lists them.")
    for option in ("trials", "workers"):
        if getattr(given, option) < 1:
            raise UserError(f"--{option}={getattr(given, option)}: must be at least 1.")
    if given.sbatch and given.launcher != "slurm":
        raise UserError(f"--sbatch={given.sbatch[0]}: is only for --launcher slurm; leave it out.")
    for text in given.overrides:
        if text.partition("=")[0] in ("resume", "force"):
            raise UserError(f"{text}: a search decides this itself; leave it out.")
    plan = Plan(read_space(given.search), given.overrides, given.sampler_seed)
    plan.check()
    folder = given.output or Path("outputs/search") / Path(given.search).stem
    store_plan(folder, plan)
    if given.launcher == "slurm":
        from letterocr.search.team import submit_workers

        job = submit_workers(folder, given.trials, given.workers, given.sbatch)
        print(f"Job {job}: {given.workers} workers. To see the page so far: letterocr search report {folder}")
        return 0
    if given.workers == 1:
        return _print_end(folder, _work(folder, given.trials, 0))
    from letterocr.search.team import run_workers

    print(f"{given.workers} workers; their logs are in {folder / WORKERS}.", flush=True)
    statuses = run_workers(folder, given.trials, given.workers)
    if any(statuses):
        print("A worker ended early; give the same command again for the missing trials.", file=sys.stderr)
    return _print_end(folder, 0 if 0 in statuses else max(statuses, key=abs))


def _print_end(folder: Path, status: int) -> int:
    if not status:
        print(f"Page: {folder / 'report.html'}")
        print(f"Table of the runs: letterocr summary {folder / 'runs'}")
    return status


def _work(folder: Path, trials: int, threads: int) -> int:
    from letterocr.search.worker import work

    number = work(folder, trials, threads)
    return 128 + number if number else 0


def _worker(arguments: Sequence[str]) -> int:
    parser = CommandParser("search worker", "Run one worker of a study; `letterocr search` starts it.")
    parser.add_word("folder", "the folder of the study", type=Path)
    parser.add_option("trials", "trials of the whole study", type=int, required=True)
    parser.add_option("threads", "CPU threads", type=int, default=0)
    given = parser.parse_args(arguments)
    return _work(given.folder, given.trials, given.threads)


def _report(arguments: Sequence[str]) -> int:
    parser = CommandParser("search report", "Write the page of a study, also while its trials run.")
    parser.add_word("folder", "the folder of the study", type=expand_path)
    from letterocr.search.study_page import write_report

    print(f"Page: {write_report(parser.parse_args(arguments).folder)}")
    return 0


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    own = {"worker": _worker, "report": _report}
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    with exit_with_sentence("the same command continues the study."):
        status = own[given[0]](given[1:]) if given and given[0] in own else _search(given)
    sys.exit(status)


if __name__ == "__main__":
    main()
