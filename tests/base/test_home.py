"""Paths of the user, also of a user without a home folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import one_sentence

from letterocr.base.errors import UserError
from letterocr.base.home import expand_path, find_cache_folder, show_whole


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user number without an entry in the list of users, as in a container."""
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)


def test_a_tilde_is_the_home_and_another_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert expand_path("~/my letters.npz") == Path("/home/ada/my letters.npz")
    assert expand_path("a~b") == Path("a~b")
    with pytest.raises(UserError) as end:
        expand_path("~nobody-here/x")
    one_sentence(end.value, "~nobody-here/x: ~nobody-here can't", "there is no such user", "write the whole path")


@pytest.mark.usefixtures("homeless")
def test_without_a_home_a_tilde_is_a_mistake_and_there_is_no_cache() -> None:
    with pytest.raises(UserError) as end:
        expand_path("~/x")
    one_sentence(end.value, "~/x: ~ can't", "HOME is not set")
    assert find_cache_folder() is None


@pytest.mark.usefixtures("homeless")
def test_without_a_home_emnist_and_the_doctor_say_what_to_give() -> None:
    from letterocr.config.data import EmnistConfig
    from letterocr.data.emnist import load
    from letterocr.doctor import checks

    with pytest.raises(UserError) as end:
        load(EmnistConfig())
    one_sentence(end.value, "data=emnist: without a home folder", "data.path=FILE")
    state, text = checks.check_letters()
    assert (state, "data.path=FILE" in text) == (checks.WARNING, True)
    assert checks.run_check("numba", checks.check_numba_cache).state in (checks.OK, checks.WARNING)


def test_the_cache_of_a_program_follows_the_xdg_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert find_cache_folder("numba") == Path("/home/ada/.cache/numba")
    monkeypatch.setenv("XDG_CACHE_HOME", "/scratch")
    assert find_cache_folder() == Path("/scratch/letterocr")


def test_a_relative_path_is_shown_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert show_whole("x.npz") == f"x.npz ({tmp_path / 'x.npz'})"
