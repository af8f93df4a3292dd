"""Whether a run's bits depend on the type of processor and on the number of threads: measured for each engine.

    python scripts/bits.py

Trains the same small runs in one process after another. Each process is told to compute as on another type of
processor, by the variables that PyTorch, MKL, OpenBLAS and Numba read, or with another number of threads. Prints the
table of docs/promises.md: `=` the same bits as in the first column, otherwise the largest difference of a weight,
relative to the largest weight, and the difference of the final test errors.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

FIRST = "this processor, one thread"
ATEN = "ATEN_CPU_CAPABILITY"
BLAS = ("MKL_ENABLE_INSTRUCTIONS", "OPENBLAS_CORETYPE")
PLACES: dict[str, dict[str, str]] = {
    FIRST: {},
    "again": {},
    "two threads": {"threads": "2"},
    "PyTorch: AVX2 at most": {ATEN: "avx2"},
    "PyTorch: no AVX2": {ATEN: "default"},
    "MKL, OpenBLAS: no AVX2": dict(zip(BLAS, ("SSE4_2", "Nehalem"), strict=True)),
    "loops without AVX2": {"NUMBA_CPU_NAME": "x86-64-v2", "NUMBA_CPU_FEATURES": "+sse4.2,+popcnt,+cx16"},
    "loops for any x86-64": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
}
TRAINED: dict[str, dict[str, Any]] = {
    "reference, two weight matrices": {"engine": "reference", "model": "three_layer", "samples": 300},
    "blocked, one weight matrix": {"engine": "blocked", "model": "two_layer", "samples": 600},
    "blocked, two weight matrices": {"engine": "blocked", "model": "three_layer", "samples": 600},
    "blocked, three weight matrices": {"engine": "blocked", "model": "four_layer", "samples": 600},
    "blocked, evaluation=full": {
        "engine": "blocked",
        "model": "three_layer",
        "samples": 300,
        "evaluation": "full",
    },
    "outer (optimizer=kfac)": {"optimizer": "kfac", "model": "three_layer", "samples": 200},
    "autograd (model=spectral)": {"model": "spectral", "samples": 100},
}


def train_all(threads: int, out: Path) -> None:
    """Train every run and write what it came to: digests, weights and the final error."""
    import torch

    import letterocr

    torch.set_num_threads(threads)
    found: dict[str, Any] = {}
    arrays: list[np.ndarray] = []
    letters = letterocr.letters("synthetic", train_per_letter=8, test_per_letter=4)
    images = letters.train.images.numpy()
    found["letters of data=synthetic"] = {"digest": _digest(images), "error": 0.0}
    arrays.append(images.ravel())
    for name, fields in TRAINED.items():
        run = letterocr.fit(data=letters, threads=threads, device="cpu", progress=False, **fields)
        weights = np.concatenate([matrix.numpy().ravel() for matrix in run.network.weights])
        digest = _digest(weights, run.curve.loss, run.curve.train_error, run.curve.test_error)
        found[name] = {"digest": digest, "error": run.test_error}
        arrays.append(weights)
    np.savez(out / "weights.npz", *arrays)
    (out / "found.json").write_text(json.dumps(found))


def _digest(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def main() -> None:
    """Start a process for each place, compare what they found, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        found, weights = {}, {}
        for number, (place, variables) in enumerate(PLACES.items()):
            out = Path(folder) / str(number)
            out.mkdir()
            own = {name: value for name, value in variables.items() if name != "threads"}
            threads = variables.get("threads", "1")
            command = [sys.executable, __file__, threads, str(out)]
            subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": threads} | own, check=True)
            found[place] = json.loads((out / "found.json").read_text())
            with np.load(out / "weights.npz") as loaded:
                weights[place] = {name: loaded[f"arr_{n}"] for n, name in enumerate(found[place])}
    places = [place for place in PLACES if place != FIRST]
    print("| run | " + " | ".join(places) + " |\n|---" * (len(places) + 1) + "|")
    for name, first in found[FIRST].items():
        cells = []
        for place in places:
            here = found[place][name]
            scale = float(np.abs(weights[FIRST][name]).max())
            off = float(np.abs(weights[place][name] - weights[FIRST][name]).max()) / scale
            same = here["digest"] == first["digest"]
            cells.append("=" if same else f"{off:.0e}, {100 * (here['error'] - first['error']):+.2f} %")
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        train_all(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
