"""Pictures in the terminal: escape codes are as the two protocols define them, and go only where they are shown."""

from __future__ import annotations

import base64
import re
import sys

import pytest

from letterocr.base.terminal_picture import encode_for_iterm, encode_for_kitty, find_encoder, show_in_terminal

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 25


def test_kitty_gets_chunks_of_4096_characters_and_all_keys_with_the_first():
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text := encode_for_kitty(PNG, 80))
    assert text == "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in parts)
    assert [keys for keys, _ in parts] == ["a=T,f=100,q=2,c=80,m=1", "m=1", "m=0"]
    assert [len(data) for _, data in parts[:-1]] == [4096, 4096]
    assert base64.b64decode("".join(data for _, data in parts), validate=True) == PNG


def test_iterm_gets_one_code_with_the_size_of_the_file():
    found = re.fullmatch(r"\x1b\]1337;File=([^:]*):([^\x07]*)\x07", encode_for_iterm(PNG, 80))
    assert found is not None
    assert dict(pair.split("=") for pair in found[1].split(";")) == {"inline": "1", "size": "6408", "width": "80"}
    assert base64.b64decode(found[2], validate=True) == PNG


@pytest.mark.parametrize(
    ("environment", "encoder"),
    [
        ({"TERM": "xterm-kitty"}, encode_for_kitty),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, encode_for_kitty),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, encode_for_kitty),
        ({"TERM_PROGRAM": "iTerm.app"}, encode_for_iterm),
        ({"TERM_PROGRAM": "WezTerm"}, encode_for_iterm),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, encode_for_iterm),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/tmux", "KITTY_WINDOW_ID": "1", "LC_TERMINAL": "iTerm2"}, None),
        ({}, None),
    ],
)
def test_the_terminal_is_known_by_its_environment(environment, encoder):
    assert find_encoder(environment) is encoder


@pytest.mark.parametrize("terminal", [True, False])
def test_a_picture_goes_to_a_terminal_and_to_no_file(terminal, tmp_path, monkeypatch, capsys):
    (tmp_path / "a.png").write_bytes(PNG)
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-kitty")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert show_in_terminal(tmp_path / "a.png") == terminal
    assert capsys.readouterr().out == (encode_for_kitty(PNG, 100) + "\n" if terminal else "")
