"""The command `python -m letterocr.search`: find the settings with the lowest test error."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from letterocr.base.errors import UserError, end_quietly
from letterocr.base.signals import exit_with_sentence

HELP = """python -m letterocr.search search=SPACE [field=value ...] [--trials N] [--workers N] [--output FOLDER]

  python -m letterocr.search search=learning_rate model=three_layer samples=5000 --trials 30 --workers 2
  python -m letterocr.search search=my_space.yaml --trials 200 --workers 20 --launcher slurm --sbatch=--time=2:00:00
  python -m letterocr.search report outputs/search/learning_rate     # the page anew, also while trials run

SPACE is one of {spaces}, or a file of your own like those in conf/search/.
The other fields are those of python -m letterocr.train, the same for all trials. Asked for again with the same
--output, a study goes on to the asked number of trials. Trials whose error falls behind the median of the others stop
early.
"""


def _make_parser() -> argparse.ArgumentParser:
    from letterocr.search.space import list_spaces

    parser = argparse.ArgumentParser(
        prog="python -m letterocr.search",
        usage=argparse.SUPPRESS,
        description=HELP.format(spaces=", ".join(list_spaces())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", metavar="field=value", help="search=SPACE and the trials' settings")
    parser.add_argument("--trials", type=int, default=30, help="of the whole study (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes or array tasks (default: %(default)s)")
    parser.add_argument("--launcher", choices=("local", "slurm"), default="local", help="where the workers run")
    parser.add_argument("--sbatch", action="append", default=[], metavar="OPTION", help="for sbatch; may be repeated")
    parser.add_argument("--seed", type=int, default=0, help="of the sampler (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="the study's folder; else outputs/search/SPACE")
    return parser


def _search(arguments: Sequence[str]) -> int:
    from letterocr.search.plan import WORKERS, Plan, store_plan
    from letterocr.search.space import read_space

    given = _make_parser().parse_intermixed_args(arguments)
    named = [text.removeprefix("search=") for text in given.overrides if text.startswith("search=")]
    if len(named) != 1:
        raise UserError("search: name one search space, as in search=learning_rate; --help lists them.")
    for option in ("trials", "workers"):
        if getattr(given, option) < 1:
            raise UserError(f"--{option}={getattr(given, option)}: must be at least 1.")
    if given.sbatch and given.launcher != "slurm":
        raise UserError(f"--sbatch={given.sbatch[0]}: is for --launcher slurm only.")
    overrides = [text for text in given.overrides if not text.startswith("search=")]
    for text in overrides:
        key, is_field, _ = text.partition("=")
        if key in ("output", "resume", "force") or not is_field:
            raise UserError(f"{text}: a search decides this itself; leave it out (its folder is --output).")
    plan = Plan(read_space(named[0]), overrides, given.seed)
    plan.check()
    folder = (given.output or Path("outputs/search") / Path(named[0]).stem).expanduser()
    store_plan(folder, plan)
    if given.launcher == "slurm":
        from letterocr.search.team import submit_workers

        job = submit_workers(folder, given.trials, given.workers, given.sbatch)
        print(f"Job {job}: {given.workers} workers. Page so far: python -m letterocr.search report {folder}")
        return 0
    if given.workers == 1:
        return _print_end(folder, _work(folder, given.trials, 0))
    from letterocr.search.team import run_workers

    print(f"{given.workers} workers, whose logs are in {folder / WORKERS}.", flush=True)
    statuses = run_workers(folder, given.trials, given.workers)
    if any(statuses):
        print("A worker ended early; the same command goes on with what is missing.", file=sys.stderr)
    return _print_end(folder, 0 if 0 in statuses else max(statuses, key=abs))


def _print_end(folder: Path, status: int) -> int:
    if not status:
        print(f"Done: {folder / 'report.html'}")
        print(f"Table of the runs: python -m letterocr.summary {folder / 'runs'}")
    return status


def _work(folder: Path, trials: int, threads: int) -> int:
    from letterocr.search.worker import work

    number = work(folder, trials, threads)
    return 128 + number if number else 0


def _worker(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m letterocr.search worker", description="One worker of a study.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args(arguments)
    return _work(given.folder, given.trials, given.threads)


def _report(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m letterocr.search report", description="Write report.html anew.")
    parser.add_argument("folder", type=Path)
    from letterocr.search.study_page import write_report

    print(write_report(parser.parse_args(arguments).folder))
    return 0


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a mistake of the user ends with one sentence and status 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    own = {"worker": _worker, "report": _report}
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    with exit_with_sentence("the same command goes on with the study."):
        status = own[given[0]](given[1:]) if given and given[0] in own else _search(given)
    sys.exit(status)


if __name__ == "__main__":
    main()
