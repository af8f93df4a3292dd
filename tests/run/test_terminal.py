"""The plain lines to the letter; the live view by its pieces, drawn to a recording console."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from letterocr.run.terminal import Terminal, draw_chart, format_duration, format_percent

FACTS = {"network": "900-1800-26", "rule": "printed", "seed": "1"}
SUMMARY = SimpleNamespace(
    samples=20_000,
    seconds=65.0,
    final_error=0.1019,
    best_error=0.0923,
    best_sample=18_230,
    reached={0.5: 2511, 0.2: 7003, 0.1: None},
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def recording(width: int = 80, height: int = 24) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=height, legacy_windows=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_plain_lines_say_it_all(capsys):
    clock = Clock()
    with Terminal(20_000, live=False, clock=clock) as terminal:
        terminal.begin("paper, figure 7", FACTS, 0)
        for sample in (1, 2501):
            terminal.update(sample, 0.5, 0.5, clock.now)
            clock.now += 5
        clock.now += 10
        terminal.update(5001, 0.25, 0.231, clock.now - 10)
        terminal.message("checkpoint")
        terminal.finish(SUMMARY, Path("outputs/run"), ["a note"])
    assert capsys.readouterr().out.splitlines() == [
        "paper, figure 7",
        "  network  900-1800-26",
        "  rule     printed",
        "  seed     1",
        "sample 1 of 20,000  test error 50.0 %  train error 50.0 %",
        "sample 5,001 of 20,000  test error 23.1 %  train error 25.0 %  500 samples/s  30 s left",
        "checkpoint",
        "  final test error       10.2 %",
        "  best test error        9.2 % at sample 18,230",
        "  samples to 50 % error  2,511",
        "  samples to 20 % error  7,003",
        "  samples to 10 % error  not reached",
        "  samples learned        20,000",
        "  time                   1 min 05 s (308 samples/s)",
        "  run folder             outputs/run",
        "a note",
    ]


def test_plain_lines_are_a_few_a_minute_and_the_first_comes_at_once(capsys):
    clock = Clock()
    with Terminal(100_000, live=False, clock=clock) as terminal:
        terminal.begin("run", {}, 0)
        for sample in range(0, 60_000, 100):
            clock.now += 0.1
            terminal.update(sample, 0.5, 0.5, clock.now)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert len(lines) == 4
    assert lines[0].startswith("sample 0 of")


def test_a_resumed_run_says_so_and_its_speed_counts_only_what_it_learned_itself(capsys):
    clock = Clock()
    with Terminal(2000, live=False, clock=clock) as terminal:
        terminal.begin("run", FACTS, 1000)
        for second in range(5):
            clock.now += 15
            terminal.update(1100 + 100 * second, float("nan"), float("nan"), 70 + second)
    out = capsys.readouterr().out
    assert "resumed at  sample 1,000" in out
    assert "sample 1,500 of 2,000  test error -  train error -  100 samples/s  5 s left" in out


def test_plain_mode_needs_no_rich():
    program = (
        "import sys; from letterocr.run.terminal import Terminal\n"
        "with Terminal(9) as terminal: terminal.begin('t', {}, 0); terminal.update(9, 0.5, 0.5, 1.0)\n"
        "assert 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])


def test_the_live_view_has_config_curve_bar_and_closing_table():
    clock, console = Clock(), recording()
    with Terminal(20_000, live=True, clock=clock, console=console) as terminal:
        terminal.begin("paper, figure 7", FACTS, 0)
        for sample in range(0, 20_001, 500):
            clock.now += 1
            terminal.add_points(np.array([sample]), np.array([1 - sample / 20_000]))
            terminal.update(sample, 0.25, 1 - sample / 20_000, clock.now)
            if sample == 10_000:
                terminal.message("checkpoint [kept]")
        terminal.finish(SUMMARY, Path("outputs/run"), ["a note"])
    text = text_of(console)
    for piece in (
        "paper, figure 7",
        "900-1800-26",
        "checkpoint [kept]",
        "10,000 / 20,000",
        "500 samples/s",
        "20 s left",
    ):
        assert piece in text
    for piece in ("100 %┤", "  0 %┤", "not reached", "9.2 % at sample 18,230", "outputs/run", "a note"):
        assert piece in text
    assert "⠑" in text


def test_the_live_view_is_drawn_twice_a_second_at_most_but_shows_the_last_sample():
    clock, console = Clock(), recording()
    with Terminal(1000, live=True, clock=clock, console=console) as terminal:
        terminal.begin("run", {}, 0)
        for sample in range(1000):
            clock.now += 0.01
            terminal.update(sample, 0.5, 0.5, clock.now)
        drawn = text_of(console).count("/ 1,000")
        assert 19 <= drawn <= 22
    assert "999 / 1,000" in text_of(console)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_terminal_is_left_sane_whatever_happens(error):
    console = recording()
    terminal = Terminal(1000, live=True, console=console)
    terminal.begin("run", FACTS, 0)
    with pytest.raises(error), terminal:
        raise error
    hidden, visible = "\x1b[?25l", "\x1b[?25h"
    assert text_of(console).rfind(visible) > text_of(console).rfind(hidden) >= 0
    terminal.update(10, 0.5, 0.5, 1.0)  # late calls draw nothing more
    assert "10 / 1,000" not in text_of(console)


def test_the_chart_takes_the_room_that_there_is():
    for width, height in ((80, 24), (160, 50)):
        console = recording(width, height)
        with Terminal(1000, live=True, console=console) as terminal:
            terminal.begin("run", FACTS, 0)
        rows = [line for line in text_of(console).splitlines() if "│" in line or "┤" in line]
        assert len(rows) >= height - 10
        assert max(len(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", row)) for row in rows) == width - 1


def test_the_path_of_the_folder_is_never_broken():
    folder = Path("outputs") / ("long" * 40)
    for width in (20, 60, 100):
        console = recording(width)
        with Terminal(1000, live=True, console=console) as terminal:
            terminal.begin("run", FACTS | {"folder": str(folder)}, 0)
            terminal.finish(SUMMARY, folder, [])
        assert text_of(console).count(str(folder)) == 2


def test_medians_of_several_networks_are_called_so(capsys):
    with Terminal(1000, live=False, networks=3) as terminal:
        terminal.begin("run", {}, 0)
        terminal.update(10, 0.5, 0.5, 1.0)
        terminal.finish(SUMMARY, Path("outputs/run"), [])
    out = capsys.readouterr().out
    assert "median test error 50.0 %  median train error 50.0 %" in out
    assert "final test error, median of 3  10.2 %" in out


@pytest.mark.parametrize(("width", "height"), [(1, 1), (10, 5), (24, 10), (40, 24), (200, 60)])
def test_no_size_of_terminal_breaks_it(width, height):
    clock, console = Clock(), recording(width, height)
    with Terminal(20_000, live=True, clock=clock, console=console) as terminal:
        terminal.begin("run", FACTS, 0)
        for sample in (1000, 2000):
            clock.now += 1
            terminal.update(sample, 0.5, 0.5, clock.now)
        terminal.finish(SUMMARY, Path("outputs/run"), [])


def test_the_chart_of_a_straight_fall_is_a_diagonal():
    assert draw_chart([0, 100], [1.0, 0.0], 100, width=14, height=4) == [
        "100 %┤⠑⢄⠀⠀⠀⠀⠀⠀",
        "     │⠀⠀⠑⢄⠀⠀⠀⠀",
        " 50 %┤⠀⠀⠀⠀⠑⢄⠀⠀",
        "  0 %┤⠀⠀⠀⠀⠀⠀⠑⢄",
        "     └────────",
        "      0    100",
    ]


def test_the_chart_joins_its_dots_where_the_curve_is_steep():
    assert draw_chart([0, 50, 51, 100], [1.0, 1.0, 0.0, 0.0], 100, width=14, height=3)[:3] == [
        "100 %┤⠉⠉⠉⠉⡆⠀⠀⠀",
        " 50 %┤⠀⠀⠀⠀⡇⠀⠀⠀",
        "  0 %┤⠀⠀⠀⠀⣇⣀⣀⣀",
    ]


def test_the_chart_ends_where_the_run_is_and_cuts_at_its_edges():
    lines = draw_chart([0, 47], [2.0, 2.0], 100, width=14, height=2)
    assert lines[0] == "100 %┤" + "⠉" * 4 + "⠀" * 4
    assert draw_chart([], [], 100, width=14, height=2)[0] == "100 %┤" + "⠀" * 8
    assert all(len(line) <= 14 for line in lines)


def test_the_chart_takes_one_point_and_more_samples_than_dots():
    assert sum(ch > "⠀" for ch in "".join(draw_chart([3], [0.5], 1000, 26, 4)) if "⠀" <= ch <= "⣿") == 1
    many = list(range(1000))
    assert draw_chart(many, [0.5] * 1000, 1000, 26, 4) == draw_chart([0, 1000], [0.5, 0.5], 1000, 26, 4)


def test_a_long_run_keeps_few_points():
    with Terminal(10**6, live=True, console=recording()) as terminal:
        for first in range(0, 2000, 100):
            terminal.add_points(np.arange(first, first + 100), np.full(100, 0.5))
        assert 200 < len(terminal._samples) == len(terminal._curve) <= 512
        assert terminal._samples[0] == 0
        assert terminal._samples[-1] > 1900


def test_numbers_as_people_read_them():
    assert [format_duration(s) for s in (0, 59.4, 60, 245, 7800)] == [
        "0 s",
        "59 s",
        "1 min 00 s",
        "4 min 05 s",
        "2 h 10 min",
    ]
    assert [format_percent(e) for e in (0.2314, 1.0, float("nan"))] == ["23.1 %", "100.0 %", "-"]
