"""Who works on something shows it by a file; the dead are told apart from the silent."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from letterocr.base import heartbeat
from letterocr.base.heartbeat import DEAD_SECONDS, Heartbeat, Presence


def test_who_is_alive(tmp_path, monkeypatch):
    with Presence(tmp_path) as me, Presence(tmp_path) as other:
        assert me.is_alive(other.name)
        assert not me.is_alive("nobody")
        facts = json.loads(other.path.read_text())
        other.path.write_text(json.dumps(facts | {"pid": 2**22 + 1}))
        assert not me.is_alive(other.name)
        other.path.write_text(json.dumps(facts | {"system": "another machine"}))
        assert me.is_alive(other.name)
        old = time.time() - 2 * DEAD_SECONDS
        os.utime(other.path, (old, old))
        assert not me.is_alive(other.name)


def test_a_file_is_touched_while_its_owner_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)
    path = tmp_path / "owned"
    path.touch()
    with Heartbeat(path):
        os.utime(path, (1, 1))
        end = time.monotonic() + 60
        while path.stat().st_mtime == 1:
            assert time.monotonic() < end
    os.utime(path, (1, 1))
    time.sleep(0.05)
    assert path.stat().st_mtime == 1  # no longer
