"""Run the lessons of `examples/` and write each one as a notebook with its outputs.

    python scripts/lessons.py                                   # all lessons: `make lessons`
    python scripts/lessons.py examples/2_alphabet_matrix.py     # one of them

A lesson is a Python script in Jupytext's percent format. All lessons run in this process, without a Jupyter kernel, so
that PyTorch is imported and the loops are compiled only once.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import jupytext
import matplotlib
import nbformat
from matplotlib import pyplot
from nbformat import NotebookNode
from nbformat.v4 import new_output

LESSONS = sorted((Path(__file__).resolve().parents[1] / "examples").glob("[0-9]*.py"))
DOTS_PER_INCH = 90


def read_lesson(path: Path) -> NotebookNode:
    """Read a lesson as a notebook without outputs; the same script always gives the same notebook."""
    notebook = jupytext.read(path)
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def run_lesson(path: Path) -> tuple[NotebookNode, dict[str, Any]]:
    """Run a lesson cell by cell.

    Args:
        path: its script.

    Returns:
        The notebook with what each cell printed and drew, and the variables at its end.
    """
    matplotlib.use("agg")
    notebook, variables, count = read_lesson(path), {"__name__": "__main__"}, 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            code = compile(cell.source, f"{path.name}, cell {count}", "exec")
            cell.outputs = _capture(lambda code=code: exec(code, variables))  # type: ignore[misc]
    return notebook, variables


def _capture(run: Callable[[], None]) -> list[NotebookNode]:
    """Run a cell and return its outputs in their order: printed text and the figures that it shows."""
    outputs: list[NotebookNode] = []
    printed = io.StringIO()

    def take_text() -> None:
        if printed.getvalue():
            outputs.append(new_output("stream", name="stdout", text=printed.getvalue()))
        printed.seek(0)
        printed.truncate()

    def show() -> None:
        take_text()
        for number in pyplot.get_fignums():
            picture = io.BytesIO()
            pyplot.figure(number).savefig(picture, dpi=DOTS_PER_INCH, metadata={"Software": None})
            data = {"image/png": base64.b64encode(picture.getvalue()).decode()}
            outputs.append(new_output("display_data", data=data))
        pyplot.close("all")

    with contextlib.redirect_stdout(printed), mock.patch.object(pyplot, "show", show):
        run()
    take_text()
    return outputs


def main() -> None:
    """Run the lessons and write their notebooks beside them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", type=Path, default=LESSONS, help="scripts; all lessons by default")
    for path in parser.parse_args().lessons:
        notebook, _ = run_lesson(path)
        nbformat.write(notebook, path.with_suffix(".ipynb"))
        print(path.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
