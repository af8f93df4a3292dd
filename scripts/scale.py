"""Measure what a run costs besides its training: start-up, bookkeeping and disk; the figures of docs/scale.md.

    python scripts/scale.py sweep --runs 10000           # a sweep of runs that train nothing, by the real launcher
    python scripts/scale.py bookkeeping --runs 10000     # the same runs one by one, without Hydra
    python scripts/scale.py startup                      # the command, and a run that learns no sample
    python scripts/scale.py disk                         # real run folders, by network

The bookkeeping is that of `letterocr.run.session` itself: folder, config, versions, curve, checkpoint, result, and
the check whether the run exists already. Only the letters and the engine are replaced by stand-ins that cost nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import os
import pstats
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import torch

from letterocr.base.signals import StopFile
from letterocr.compose import registry
from letterocr.config.data import SyntheticConfig
from letterocr.config.optimizer.vanilla import VanillaConfig
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Letters, Split
from letterocr.engine.records import Records
from letterocr.run.training import run
from letterocr.sweep.launchers import train_missing
from letterocr.sweep.missing import MissingRun


class FakeEngine:
    """An engine that learns nothing and takes no time: its error falls in a straight line.

    Shapes: records [n, 1], the state one tensor [26, 900].
    """

    name, block, sample, certified, shared_seconds = "fake", 1, 0, False, 0.0
    images = SimpleNamespace(device=torch.device("cpu"), is_cuda=False)

    def __init__(self, config: TrainConfig, split: Split, rates: list[float], device: torch.device) -> None:
        self.samples = config.samples
        self.network = SimpleNamespace(weights=[torch.zeros(1, 26, 900)], state=self.state)

    def state(self) -> dict[str, torch.Tensor]:
        """Return what a checkpoint holds."""
        return {"weight": self.network.weights[0]}

    def test_error(self) -> torch.Tensor:
        """Return the error before the first sample: [1]."""
        return torch.ones(1)

    def advance(self, count: int) -> Records:
        """Return records of all samples that are left, whatever `count` is."""
        count = self.samples - self.sample
        self.sample = self.samples
        errors = np.linspace(1, 0.1, count)[:, None]
        return Records(np.ones((count, 1)), np.zeros((count, 1), bool), errors)


def _rate(place: int) -> float:
    return float(f"{1e-4 * 1.01**place:.6g}")


def _config(number: int, output: Path, samples: int) -> TrainConfig:
    """Return the config of a run; there are ten seeds for each learning rate."""
    return TrainConfig(
        data=SyntheticConfig(),
        optimizer=VanillaConfig(),
        seed=number % 10,
        learning_rate=_rate(number // 10),
        samples=samples,
        threads=1,
        output=str(output),
        tensorboard=False,
    )


def _timed(runs: int, what: Callable[[int], object]) -> list[float]:
    """Return the milliseconds of each call."""
    times = []
    for seed in range(runs):
        start = time.perf_counter()
        what(seed)
        times.append(1e3 * (time.perf_counter() - start))
    return times


def _row(name: str, times: list[float]) -> str:
    ordered = sorted(times)
    shown = (statistics.fmean(times), ordered[len(times) // 2], ordered[-len(times) // 100])
    return f"| {name} | " + " | ".join(f"{t:.2f}" for t in shown) + " |"


@contextlib.contextmanager
def stand_ins() -> Iterator[None]:
    """Replace letters and engine by stand-ins that cost nothing."""
    letters = Letters(torch.zeros(26, 900), torch.arange(26))
    own = {"schema": SyntheticConfig, "target": "", "engine": ""}
    entry = SimpleNamespace(load=lambda: lambda config: Split(letters, letters), **own)
    with (
        mock.patch.dict(registry.DATA, {"synthetic": entry}),
        mock.patch("letterocr.run.learning.build_engine", FakeEngine),
        mock.patch("letterocr.compose.learning_rates.compute_bound", return_value=None),
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
    ):
        yield


def timed(missing: MissingRun, stop: StopFile, sweep: Path) -> None:
    """Train with the stand-ins in a process of the launcher; write the time to a file beside the sweep's records."""
    with stand_ins():
        start = time.perf_counter(), time.process_time()
        train_missing(missing, stop, sweep)
        ends = time.perf_counter(), time.process_time()
    passed, used = (1e3 * (end - start) for start, end in zip(start, ends, strict=True))
    with open(sweep / f"times.{os.getpid()}", "a") as file:
        file.write(f"{passed} {used}\n")


def command(*overrides: str) -> float:
    """Run the command with the stand-ins in its launcher's processes; return the seconds, start-up included."""
    program = "from unittest import mock; import scale; from letterocr.train import main\n"
    program += "with mock.patch('letterocr.sweep.launchers.train_missing', scale.timed): main()"
    here = Path(__file__).resolve().parent
    environment = os.environ | {"PYTHONPATH": f"{here}:{here.parent}"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program, *overrides], check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - start


def sweep(runs: int, samples: int, output: Path) -> None:
    """Time a sweep by `launcher=local`, and the same sweep once more; `runs` is a multiple of ten."""
    rates = ",".join(str(_rate(place)) for place in range(runs // 10))
    ask = ["-m", "launcher=local", "seed=range(10)", f"learning_rate={rates}"]
    ask += [f"samples={samples}", "tensorboard=false", f"output={output}"]
    print("| what | seconds | ms per run |\n|---|---|---|")
    for name in ("the sweep", "the same sweep again"):
        seconds = command(*ask)
        print(f"| {name} | {seconds:.1f} | {1e3 * seconds / runs:.2f} |", flush=True)
    lines = [line for path in output.glob("sweeps/*/times.*") for line in path.read_text().splitlines()]
    passed, used = ([float(line.split()[column]) for line in lines] for column in (0, 1))
    print("\n| what | mean, ms | median | 99 % below |\n|---|---|---|---|")
    print(_row(f"a run's bookkeeping, {samples} samples, {len(lines):,} runs", passed))
    print(_row("of this, processor time", used))


def bookkeeping(runs: int, samples: int, output: Path, profile: bool) -> None:
    """Time runs without training, the same runs again when they exist, and their summary."""
    from letterocr.summary.table import make_table
    from letterocr.sweep.reader import read_sweep

    output.mkdir(parents=True)
    profiler = cProfile.Profile()
    with stand_ins():
        run(_config(runs, output, samples), live=False)  # imports
        if profile:
            profiler.enable()
        used = time.process_time()
        first = _timed(runs, lambda seed: run(_config(seed, output, samples), live=False))
        used = time.process_time() - used
        profiler.disable()
        again = _timed(runs, lambda seed: run(_config(seed, output, samples), live=False))
    start = time.perf_counter()
    rows = make_table(read_sweep(output), output).num_rows
    seconds = time.perf_counter() - start
    print("| what | mean, ms | median | 99 % below |\n|---|---|---|---|")
    print(_row(f"a run's bookkeeping, {samples} samples", first))
    print(_row("a run that exists already", again))
    print(f"\nOf a run's bookkeeping, {1e3 * used / runs:.2f} ms are processor time; the rest is waiting for the disk.")
    print(f"The summary of {rows:,} runs took {seconds:.1f} s.")
    if profile:
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)


def startup(rounds: int) -> None:
    """Time whole commands, each as the fastest of the rounds."""
    commands = {
        "--help": ["--help"],
        "a run of 0 samples": ["samples=0", "threads=1", "force=true", "tensorboard=false"],
        "the same with TensorBoard": ["samples=0", "threads=1", "force=true"],
        "two runs of 0 samples in one process": ["-m", "samples=0", "seed=0,1", "threads=1", "force=true"],
    }
    print("| command | seconds |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in commands.items():
            command = [sys.executable, "-m", "letterocr.train", *arguments]
            command += [] if name == "--help" else [f"output={folder}"]
            times = []
            for _ in range(rounds):
                start = time.perf_counter()
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                times.append(time.perf_counter() - start)
            print(f"| {name} | {min(times):.2f} |", flush=True)


def disk(samples: int) -> None:
    """Measure bytes and files of run folders that the command wrote."""
    print("| network | TensorBoard | MB | without checkpoints | files |\n|---|---|---|---|---|")
    for model in ("two_layer", "three_layer", "four_layer"):
        for board in (True, False):
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "letterocr.train", f"model={model}", f"samples={samples}", "threads=1"]
                command += [f"output={folder}", "evaluate_every=log", f"tensorboard={board}"]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                (run_folder,) = (path.parent for path in Path(folder).glob("*/config.yaml"))
                sizes = {path: path.stat().st_size for path in run_folder.rglob("*") if path.is_file()}
                entries = sum(1 for _ in run_folder.rglob("*")) + 1
                rest = sum(size for path, size in sizes.items() if path.parent.name != "checkpoints")
                mega = sum(sizes.values()) / 1e6
                print(
                    f"| {model} | {'yes' if board else 'no'} | {mega:.2f} | {rest / 1e6:.2f} | {entries} |", flush=True
                )


def main() -> None:
    """Run one of the four measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("sweep", "bookkeeping", "startup", "disk"))
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=1_000, help="samples of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="print where the bookkeeping spends its time")
    parser.add_argument("--output", type=Path, help="a new folder for the runs; by default one that is removed again")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.what == "startup":
        startup(arguments.rounds)
    elif arguments.what == "disk":
        disk(arguments.samples)
    else:
        output = arguments.output or Path(tempfile.mkdtemp()) / "sweep"
        if arguments.what == "sweep":
            if arguments.runs < 10 or arguments.runs % 10:
                parser.error(
                    f"--runs={arguments.runs}: a sweep has ten seeds of each learning rate; take a multiple of 10"
                )
            sweep(arguments.runs, arguments.samples, output)
        else:
            bookkeeping(arguments.runs, arguments.samples, output, arguments.profile)
        if not arguments.output:
            shutil.rmtree(output.parent)


if __name__ == "__main__":
    main()
