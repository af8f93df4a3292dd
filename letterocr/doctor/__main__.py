"""The command `python -m letterocr.doctor`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from letterocr.base.errors import end_quietly
from letterocr.doctor.checks import FAILED, run_checks


@end_quietly()
def main() -> None:
    """Run the command: a line for each check; status 1 if one failed."""
    parser = argparse.ArgumentParser(
        prog="python -m letterocr.doctor",
        description="Check what runs and sweeps need on this machine and cluster.",
    )
    parser.add_argument("--output", type=Path, default=Path("outputs"), help="the folder that holds the run folders")
    parser.add_argument(
        "--job", action="store_true", help="also submit a SLURM job; reads SBATCH_PARTITION and the like"
    )
    parser.add_argument("--seconds", type=float, default=120, help="to wait for that job at each step; default 120")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    arguments = parser.parse_args()
    failed = False
    for finding in run_checks(arguments.output.expanduser(), arguments.job, arguments.seconds):
        failed |= finding.state == FAILED
        row = f"{finding.state:<8} {finding.name:<12} {finding.text}"
        print(json.dumps(asdict(finding)) if arguments.json else row, flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
