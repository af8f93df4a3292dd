"""Make the README's table of results: models x rules x letters, each trained by the command.

    python scripts/results.py ../shared/data      # a folder with emnist.zip and writers25.npz; optional

Runs that are finished already are not trained again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

MODELS = {"two_layer": ["gradient"], "three_layer": ["printed", "eq18", "gradient"]}
MODELS["four_layer"] = ["printed", "gradient"]


def result(overrides: list[str], output: Path) -> dict[str, float]:
    """Train by the command and read its result; the run folder is the one that the command prints."""
    command = [sys.executable, "-m", "letterocr.train", *overrides, f"output={output}"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    folder = next(word for word in printed.split() if word.startswith(f"{output}/")).rstrip(".")
    return json.loads((Path(folder) / "result.json").read_text())


def main() -> None:
    """Train every combination and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path, nargs="?", help="folder with emnist.zip and writers25.npz")
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of each run; 0 for the number of cores")
    parser.add_argument("--output", type=Path, default=Path("outputs/results"))
    arguments = parser.parse_args()
    sources = {"synthetic": ["data=synthetic"]}
    if arguments.real:
        sources["EMNIST"] = ["data=emnist", f"data.path={arguments.real / 'emnist.zip'}"]
        sources["25 writers"] = ["data=images", f"data.path={arguments.real / 'writers25.npz'}"]
    print("| network | rule | letters | final test error | best | first at 20 % |\n|---|---|---|---|---|---|")
    for model, rules in MODELS.items():
        for rule in rules:
            for name, data in sources.items():
                every = "log" if model == "four_layer" else "1"  # four layers: see docs/bench.md for what each costs
                run = [f"model={model}", f"rule={rule}", *data, f"samples={arguments.samples}"]
                run += [f"evaluate_every={every}", f"threads={arguments.threads}"]
                r = result(run, arguments.output)
                reached = r["reached"]["0.2"]  # type: ignore[index]
                at = f"{reached:,}" if reached else "not reached"
                shown = f"{r['final_error']:.1%} | {r['best_error']:.1%} | {at}"
                print(f"| {model} | {'all alike' if model == 'two_layer' else rule} | {name} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
