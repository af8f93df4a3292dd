"""Progress bar for scripts and notebooks, drawn by tqdm."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from letterocr.run.curve import Summary

if TYPE_CHECKING:
    import numpy as np


def is_watched() -> bool:
    """Return whether a person can see the bar: standard error is a terminal, or this process serves a notebook."""
    return sys.stderr.isatty() or is_notebook()


def is_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"


class ProgressBar:
    """Shows the progress of a run; a context manager.

    Args:
        total: samples of the whole run.
        shown: whether the bar is shown.
    """

    def __init__(self, total: int, shown: bool) -> None:
        self._total, self._shown = total, shown
        self._bar: Any = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(self, title: str, facts: dict[str, str], first_sample: int) -> None:
        """Do nothing: the run object shows its settings."""

    def wait(self, text: str) -> None:
        """Show what the run waits for before the first sample."""
        if self._shown and self._bar is None:
            self._bar = _make_bar(self._total)
            self._bar.set_description_str(text)

    def message(self, text: str) -> None:
        """Do nothing: the run object holds the notes."""

    def add_points(self, samples: np.ndarray, errors: np.ndarray) -> None:
        """Do nothing: the run object draws the curve."""

    def update(self, sample: int, train_error: float, test_error: float, seconds: float) -> None:
        """Draw the bar.

        Args:
            sample: samples learned.
            train_error: not shown.
            test_error: a fraction.
            seconds: not shown.
        """
        if not self._shown:
            return
        if self._bar is None:
            self._bar = _make_bar(self._total)
        self._bar.set_description_str("", refresh=False)
        self._bar.set_postfix_str(f"test error {100 * test_error:.1f} %", refresh=False)
        self._bar.update(sample - self._bar.n)

    def finish(self, summary: Summary, folder: Path, notes: list[str]) -> None:
        """Do nothing: the run object shows its closing figures."""

    def close(self) -> None:
        """Stop drawing; the bar stays as it was last drawn."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _make_bar(total: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a notebook without widgets the bar is plain text
        from tqdm.auto import tqdm

        return tqdm(total=total, unit=" samples")
