"""Whether the owner of a file can be alive, from what it wrote about its machine."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from letterocr.base.heartbeat import DEAD_SECONDS, is_alive
from letterocr.base.owner import describe_this_process, is_of_an_earlier_boot, read_uptime

BOOT = "00000000-0000-0000-0000-000000000000pid:[4026531836]"


@pytest.fixture(autouse=True)
def _started_20_seconds_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("letterocr.base.owner.read_uptime", lambda: 20.0)


@pytest.mark.parametrize(
    ("facts", "silent", "alive"),
    [
        ({"system": BOOT}, 25.0, False),  # this machine, before its last start
        ({"system": BOOT}, 15.0, True),  # a machine of the same name: it gave a sign after this one was started
        ({"system": BOOT, "host": "far"}, 25.0, True),  # another machine: it has 120 seconds
        ({"system": BOOT, "host": "far"}, DEAD_SECONDS + 1, False),
        ({"system": ""}, 25.0, True),  # a system without identifiers
        ({}, 1e6, True),  # this process
        ({"pid": 2**22 + 1}, 0.0, False),  # this boot, but there is no such process
        ({"system": BOOT, "host": "far"}, -DEAD_SECONDS - 1, False),  # the clock was set back: it gives signs anew
        ({"system": BOOT, "host": "far"}, -60.0, True),
    ],
)
def test_who_can_be_alive(facts: dict[str, str | int], silent: float, alive: bool) -> None:
    assert is_alive(replace(describe_this_process(), **facts), silent) == alive


def test_what_can_not_be_read_is_of_an_earlier_boot_if_it_is_older_than_this_one() -> None:
    assert not is_of_an_earlier_boot(None, 15.0)
    assert is_of_an_earlier_boot(None, 25.0)
    assert is_alive(None, 15.0)
    assert not is_alive(None, 25.0)


def test_the_time_since_the_start_does_not_stand_still_while_the_machine_is_suspended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    assert abs(read_uptime() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
