"""The command `letterocr doctor`: a check of what runs and sweeps need on this machine or cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from letterocr.base.command_line import CommandParser
from letterocr.base.errors import end_quietly
from letterocr.base.home import expand_path


def make_parser() -> CommandParser:
    """Return the parser of the command."""
    parser = CommandParser("doctor", "Check what runs and sweeps need on this machine and cluster.")
    parser.add_field("output", Path("outputs"), "the folder that holds the run folders", expand_path)
    help = "also submit a SLURM job; SBATCH_PARTITION and similar variables choose where"
    parser.add_option("job", help, action="store_true")
    parser.add_option("seconds", "seconds to wait for that job at each step", type=float, default=120)
    parser.add_option("measure", "also measure how many samples a second this machine learns", action="store_true")
    parser.add_option("json", "print one JSON object on each line, for programs", action="store_true")
    return parser


@end_quietly()
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command: print one line for each check; status 1 if one of them failed."""
    given = make_parser().parse_args(arguments)
    from letterocr.doctor.checks import FAILED, run_checks

    failed = False
    for finding in run_checks(given.output, given.job, given.seconds, given.measure):
        failed |= finding.state == FAILED
        row = f"{finding.state:<8} {finding.name:<12} {finding.text}"
        print(json.dumps(asdict(finding)) if given.json else row, flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
