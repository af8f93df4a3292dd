"""Error curves of finished or running runs in one picture: `python -m letterocr.figures.curves RUN_FOLDER ...`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from letterocr.errors import UserError, piped


def read_curve(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The test errors that a run folder holds: samples [m] and errors [m, R].

    Raises:
        UserError: the folder holds no whole curve.
    """
    import pyarrow.parquet as pq

    path = folder / "curve.parquet"
    try:
        table = pq.read_table(path, columns=["replica", "sample", "test_error"])
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path} can't be read ({str(error).splitlines()[0]}): give a run folder.") from error
    replicas = int(table["replica"].to_numpy().max()) + 1
    samples = table["sample"].to_numpy().reshape(replicas, -1)[0]
    errors = table["test_error"].to_numpy().reshape(replicas, -1).T
    measured = ~np.isnan(errors[:, 0])
    return samples[measured], errors[measured]


def draw_curve(axis: Any, folder: Path, label: str) -> None:
    """Draw the test error on an axis: the median over replicas, and their quartiles as a band."""
    samples, errors = read_curve(folder)
    low, middle, high = np.percentile(100 * errors, [25, 50, 75], axis=1)
    (line,) = axis.plot(samples, middle, linewidth=1, label=label)
    if errors.shape[1] > 1:
        axis.fill_between(samples, low, high, color=line.get_color(), alpha=0.25, linewidth=0)


@piped()
def main() -> None:
    """Draw the runs into one PNG."""
    parser = argparse.ArgumentParser(prog="python -m letterocr.figures.curves", description=__doc__)
    parser.add_argument("run_folders", type=Path, nargs="+")
    parser.add_argument("--labels", nargs="*", default=[], help="one a folder; else the folders' names")
    parser.add_argument("--output", type=Path, default=Path("curves.png"))
    arguments = parser.parse_args()
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    try:
        for i, folder in enumerate(arguments.run_folders):
            draw_curve(axis, folder, arguments.labels[i] if i < len(arguments.labels) else folder.name)
    except UserError as error:
        raise SystemExit(f"letterocr: {error}") from error
    axis.set(xlabel="samples learned", ylabel="test error, %", ylim=(0, 100))
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(arguments.output, dpi=110)


if __name__ == "__main__":
    main()
