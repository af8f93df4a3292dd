"""Error curves of finished or running runs in one picture: `python -m letterocr.curves RUN_FOLDER ...`."""

from __future__ import annotations

import argparse
from pathlib import Path

from letterocr.base.errors import UserError, end_quietly
from letterocr.figures.error_curves import draw_curve
from letterocr.run.curve import read_curve


@end_quietly()
def main() -> None:
    """Draw the runs into one PNG."""
    parser = argparse.ArgumentParser(prog="python -m letterocr.curves", description=__doc__)
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
            draw_curve(axis, *read_curve(folder), arguments.labels[i] if i < len(arguments.labels) else folder.name)
    except UserError as error:
        raise SystemExit(f"letterocr: {error}") from error
    axis.set(xlabel="samples learned", ylabel="test error, %", ylim=(0, 100))
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(arguments.output, dpi=110)


if __name__ == "__main__":
    main()
