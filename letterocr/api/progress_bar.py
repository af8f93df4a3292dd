"""A progress bar for scripts and notebooks, drawn by tqdm."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any

from letterocr.run.curve import Summary


def is_watched() -> bool:
    """Whether a person looks: standard error is a terminal, or this is the kernel of a notebook."""
    return sys.stderr.isatty() or is_notebook()


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"


class ProgressBar:
    """Shows how far a run is; a context manager.

    Args:
        total: samples of the whole run.
        shown: whether anything is shown at all.
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
        """Show nothing yet: the run object tells it."""

    def wait(self, text: str) -> None:
        """Say what is waited for before the first sample."""
        if self._shown and self._bar is None:
            self._bar = _make_bar(self._total)
            self._bar.set_description_str(text)

    def message(self, text: str) -> None:
        """Show nothing: the run object has the notes."""

    def update(self, sample: int, train_error: float, test_error: float, seconds: float) -> None:
        """Show how far the run is."""
        if not self._shown:
            return
        if self._bar is None:
            self._bar = _make_bar(self._total)
        self._bar.set_description_str("", refresh=False)
        self._bar.set_postfix_str(f"test error {100 * test_error:.1f} %", refresh=False)
        self._bar.update(sample - self._bar.n)

    def finish(self, summary: Summary, folder: Path, notes: list[str]) -> None:
        """Show nothing more: the run object tells it."""

    def close(self) -> None:
        """Leave the bar as it was last drawn."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _make_bar(total: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in a notebook without widgets the bar is plain text
        from tqdm.auto import tqdm

        return tqdm(total=total, unit=" samples")
