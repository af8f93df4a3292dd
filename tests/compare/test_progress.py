"""How far a comparison is, and how long the rest will take."""

from __future__ import annotations

import pytest

from letterocr.compare.progress import Progress


def test_the_time_left_is_from_each_contenders_own_pace(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(workers=2)
    progress.expect("fast", 5)
    progress.expect("slow", 3)
    progress.expect("slow", -1)  # one is there already
    progress.count_done("fast", 1.0)
    assert progress.estimate_seconds_left() == (4 * 1.0 + 2 * 1.0) / 2  # unknown: as slow as the others
    progress.count_done("slow", 100.0)
    progress.count_done("fast", 3.0)
    assert progress.estimate_seconds_left() == (3 * 2.0 + 1 * 100.0) / 2
    assert capsys.readouterr().out == "1 of 7 runs  fast  about 3 s left\n"  # at most a line in ten seconds
    progress.count_done("slow", 100.0)
    for _ in range(3):
        progress.count_done("fast", 2.0)
    assert capsys.readouterr().out == "7 of 7 runs  fast\n"
