"""Terminal view of a run: a live view in a terminal, and otherwise a few plain lines a minute."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from letterocr.run.chart import draw_chart
from letterocr.run.pace import Pace

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console, Group, RenderableType
    from rich.live import Live
    from rich.table import Table

    from letterocr.run.curve import Summary

PLAIN_SECONDS = 15.0  # seconds between two plain lines
LIVE_SECONDS = 0.5  # seconds between two drawings of the live view; one takes a few milliseconds
KEPT_POINTS = 512  # points of the live curve; twice the dots across

_NARROWEST_CHART, _LOWEST_CHART = 20, 8  # characters and lines; the chart takes the room that there is
_LINES_BESIDE = 10  # lines of the settings above the live view, and of the view around the chart
_PATHS = ("folder", "run folder")  # rows whose value is never broken, so that it can be copied


def format_percent(error: float) -> str:
    """Format an error, a fraction, as a percentage; a dash if it is not known (NaN).

    Example:
        >>> format_percent(0.231), format_percent(math.nan)
        ('23.1 %', '-')
    """
    return f"{100 * error:.1f} %" if math.isfinite(error) else "-"


def format_final(error: float) -> str:
    """Format the last error of a run, NaN if all its networks diverged.

    Example:
        >>> format_final(0.231), format_final(math.nan)
        ('23.1 %', 'diverged')
    """
    return "diverged" if math.isnan(error) else format_percent(error)


def format_duration(seconds: float) -> str:
    """Format a time in seconds.

    Example:
        >>> format_duration(31), format_duration(245), format_duration(7800)
        ('31 s', '4 min 05 s', '2 h 10 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def list_closing_rows(summary: Summary, folder: Path, networks: int = 1) -> dict[str, str]:
    """Return the rows of the closing table, by name; of several networks the errors are medians, and called so."""
    error = f"test error, median of {networks}" if networks > 1 else "test error"
    rows = {
        f"final {error}": format_final(summary.final_error),
        f"best {error}": f"{format_percent(summary.best_error)} at sample {summary.best_sample:,}",
    }
    for level, sample in summary.reached.items():
        rows[f"samples to {100 * level:.0f} % error"] = "not reached" if sample is None else f"{sample:,}"
    speed = f" ({summary.samples / summary.seconds:,.0f} samples/s)" if summary.seconds > 0 else ""
    rows["samples learned"] = f"{summary.samples:,}"
    rows["time"] = format_duration(summary.seconds) + speed
    rows["run folder"] = str(folder)
    return rows


class Terminal:
    """Shows one run in the terminal; a context manager, which restores the terminal also after an error.

    Args:
        total: samples of the whole run.
        live: whether to show a live view or plain lines; None: a live view if standard output is a terminal.
        clock: returns the time in seconds, never decreasing.
        console: output of the live view; None: standard output.
        networks: networks trained side by side; the errors of several are medians.
    """

    def __init__(
        self,
        total: int,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
        console: Console | None = None,
        networks: int = 1,
    ) -> None:
        if live is None:
            live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._total, self._networks = total, networks
        self._median = "median " if networks > 1 else ""
        self._clock = clock
        self._next = -math.inf
        self._sample = 0
        self._errors = (math.nan, math.nan)  # train, test
        self._pace = Pace()
        self._samples: list[int] = []
        self._curve: list[float] = []
        self._console = console
        self._live: Live | None = None
        if live and console is None:
            from rich.console import Console

            self._console = Console(highlight=False)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Restore the terminal; the live view stays as it was last drawn."""
        if self._live is not None and self._console is not None:
            live, self._live = self._live, None
            live.update(self._view(self._console))
            live.stop()  # draws the view a last time

    def begin(self, title: str, facts: dict[str, str], first_sample: int) -> None:
        """Print the settings of the run and start the view.

        Args:
            title: first line.
            facts: settings of the run, by name.
            first_sample: samples learned already, above 0 when a run is resumed.
        """
        self._sample = first_sample
        if first_sample:
            facts = facts | {"resumed at": f"sample {first_sample:,}"}
        if self._console is None:
            self._print(title)
            self._show(facts)
            return
        from rich.live import Live
        from rich.text import Text

        self._console.print(Text(title, style="bold"))
        self._show(facts, pairs=2)
        self._live = Live(
            self._view(self._console), console=self._console, auto_refresh=False, vertical_overflow="crop"
        )
        self._live.start(refresh=True)

    def add_points(self, samples: np.ndarray, errors: np.ndarray) -> None:
        """Add measurements to the curve; if there are too many, drop every second one.

        Args:
            samples: [n] samples learned.
            errors: [n] test errors, fractions.
        """
        self._samples += samples.tolist()
        self._curve += errors.tolist()
        while len(self._samples) > KEPT_POINTS:
            del self._samples[1::2], self._curve[1::2]

    def update(self, sample: int, train_error: float, test_error: float, seconds: float) -> None:
        """Show the progress; it may be called often, as it draws only now and then.

        Args:
            sample: samples learned.
            train_error: a fraction, NaN if not known.
            test_error: a fraction, NaN if not known.
            seconds: training time so far, in all sessions.
        """
        now = self._clock()
        self._sample, self._errors = sample, (train_error, test_error)
        self._pace.add(seconds, sample)
        if now < self._next:
            return
        if self._console is None:
            self._next = now + PLAIN_SECONDS
            self._print(self._line())
            return
        self._next = now + LIVE_SECONDS
        if self._live is not None:
            self._live.update(self._view(self._console), refresh=True)

    def message(self, text: str) -> None:
        """Print a line; it goes above the live view."""
        if self._console is None:
            self._print(text)
        else:
            self._console.print(text, markup=False, highlight=False)

    def finish(self, summary: Summary, folder: Path, notes: list[str]) -> None:
        """Print the closing table, then the notes, one line each."""
        self.close()
        self._show(list_closing_rows(summary, folder, self._networks))
        for note in notes:
            self.message(note)

    def _describe_pace(self) -> list[str]:
        """Return the speed and the time left; nothing if they are not known."""
        speed, left = self._pace.compute_speed(), self._pace.estimate_left(self._total)
        if math.isnan(speed) or self._sample >= self._total:
            return []
        return [f"{speed:,.0f} samples/s", *([] if left is None else [f"{format_duration(left)} left"])]

    def _line(self) -> str:
        train, test = self._errors
        parts = [
            f"sample {self._sample:,} of {self._total:,}",
            f"{self._median}test error {format_percent(test)}",
            f"{self._median}train error {format_percent(train)}",
            *self._describe_pace(),
        ]
        return "  ".join(parts)

    def _print(self, text: str) -> None:
        print(text, flush=True)

    def _view(self, console: Console) -> Group:
        """Return the errors, the chart if there is room for it, and the progress bar."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        train, test = self._errors
        width, tall = console.width, console.height
        errors = Text.assemble(
            (f"{self._median}test error ", "dim"),
            (format_percent(test), "bold"),
            (f"   {self._median}train error ", "dim"),
            format_percent(train),
            no_wrap=True,
        )
        parts: list[RenderableType] = [errors]
        can_draw = console.encoding.startswith("utf") and width >= _NARROWEST_CHART + 6
        if can_draw and tall >= _LOWEST_CHART + 6:
            height = max(tall - _LINES_BESIDE, _LOWEST_CHART)
            lines = draw_chart(self._samples, self._curve, self._total, width - 1, height)
            for line in lines[:-2]:
                parts.append(Text.assemble((line[:6], "dim"), (line[6:], "cyan"), no_wrap=True))
            parts += [Text(line, style="dim", no_wrap=True) for line in lines[-2:]]
        words = [f"{self._sample:,} / {self._total:,}", *self._describe_pace()]
        while len(words) > 1 and 10 + sum(len(word) + 1 for word in words) > width:
            words.pop(-2 if words[-1].endswith("left") else -1)  # the time left stays longest
        room = width - sum(len(word) + 1 for word in words) - 1
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=max(self._total, 1), completed=self._sample, width=min(max(room, 3), 28)),
            *(Text(word, no_wrap=True) for word in words),
        )
        return Group(*parts, bar)

    def _show(self, rows: dict[str, str], pairs: int = 1) -> None:
        """Print names and values, `pairs` of them side by side if there is room."""
        width = max(map(len, rows), default=0)
        if self._console is None:
            for name, value in rows.items():
                self._print(f"  {name:<{width}}  {value}")
            return
        table = {name: value for name, value in rows.items() if name not in _PATHS}
        if self._console.width < width + 24:
            for name, value in table.items():
                self._console.print(f"{name}: {value}", markup=False, highlight=False)
        elif table:
            self._console.print(_make_table(table, pairs if self._console.width >= 72 else 1))
        for name in rows.keys() & set(_PATHS):
            indent = f"  {name:<{width}}" if self._console.width >= width + 24 else f"{name}:"
            self._console.print(f"{indent}  {rows[name]}", markup=False, highlight=False, soft_wrap=True)


def _make_table(rows: dict[str, str], pairs: int) -> Table:
    """Return a table of names and values, `pairs` of them side by side."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for _ in range(pairs):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
    cells = [(Text(f"  {name}"), Text(value)) for name, value in rows.items()]
    cells += [(Text(), Text())] * (-len(cells) % pairs)
    for start in range(0, len(cells), pairs):
        table.add_row(*(cell for pair in cells[start : start + pairs] for cell in pair))
    return table
