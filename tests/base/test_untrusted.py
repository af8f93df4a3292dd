"""Folders of which it is said who may write into them; what is refused of files is in tests/fuzz."""

from __future__ import annotations

from pathlib import Path

import pytest

from letterocr.base.untrusted import describe_writers


@pytest.mark.parametrize(("mode", "said"), [(0o755, False), (0o777, True), (0o1777, False), (0o775, False)])
def test_folders_that_every_user_may_write_into_are_named(tmp_path: Path, mode: int, said: bool) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)
    sentence = describe_writers(shared / "outputs" / "sweep")
    assert (f"Every user may write into {shared}," in sentence) == said
