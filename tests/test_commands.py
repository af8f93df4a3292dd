"""The command `letterocr`: its list, its sub-commands alike, their help at 80 columns, and completion."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from letterocr.__main__ import COMMANDS, main
from letterocr.base.command_line import CommandParser
from letterocr.base.version import __version__
from letterocr.completion import FieldCompleter
from letterocr.completion import make_parser as make_completion_parser


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["letterocr", *arguments])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_the_list_has_one_line_for_each_command(arguments, monkeypatch, capsys) -> None:
    assert call(monkeypatch, *arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    for name in COMMANDS:
        assert [line for line in lines if line.split()[:1] == [name] and len(line.split()) > 3]


def test_the_version(monkeypatch, capsys) -> None:
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"letterocr {__version__}\n"


def test_a_command_that_there_is_not(monkeypatch, capsys) -> None:
    assert call(monkeypatch, "trian") == 2
    assert capsys.readouterr().err == "letterocr: there is no command trian; did you mean train?\n"


def parser_of(name: str) -> CommandParser:
    return import_module(COMMANDS[name][0]).make_parser()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_the_same_form_in_80_columns(name: str, monkeypatch, capsys) -> None:
    assert call(monkeypatch, name, "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"letterocr {name}")
    assert max(map(len, text.splitlines())) <= 80
    for rows in parser_of(name).rows.values():
        assert all(row in text for row, _ in rows)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_names_what_it_does_not_know(name: str, monkeypatch, capsys) -> None:
    assert call(monkeypatch, name, "--nonsense" if name != "train" else "nonsense=1") == 2
    err = capsys.readouterr().err
    assert err.startswith("letterocr: ")
    assert "nonsense" in err or "required" in err
    assert len(err.splitlines()) == 1


def test_python_runs_the_package(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "letterocr"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "letterocr COMMAND" in done.stdout


def test_fields_and_their_choices_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    complete = FieldCompleter({"model": ["two_layer", "three_layer"], "model.hidden": (), "samples": ()})
    assert complete("mod") == ["model=", "model.hidden="]
    assert complete("model=t") == ["model=two_layer", "model=three_layer"]
    assert complete("model=two_layer,th") == ["model=two_layer,three_layer"]
    assert complete("samples=") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("letterocr tr", {"train "}),
        ("letterocr train optimizer=k", {"kfac "}),  # bash breaks words at =
        ("letterocr train learning_r", {"learning_rate="}),
        ("letterocr search --wor", {"--workers "}),
    ],
)
def test_a_shell_gets_its_completions(line: str, expected: set[str], tmp_path: Path) -> None:
    """By the protocol of argcomplete: the line in the environment, the answer on descriptor 8."""
    answer = tmp_path / "answer"
    environment = os.environ | {
        "_ARGCOMPLETE": "1",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "_ARGCOMPLETE_IFS": "\013",
        "_ARGCOMPLETE_SHELL": "bash",
        "_ARGCOMPLETE_COMP_WORDBREAKS": " \t\n\"'><=;|&(:",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
    }
    subprocess.run([sys.executable, "-m", "letterocr"], env=environment, cwd=tmp_path, check=True)
    assert set(answer.read_text().split("\013")) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shells_get_their_code(shell: str, monkeypatch, capsys) -> None:
    assert call(monkeypatch, "completion", shell) == 0
    code = capsys.readouterr().out
    assert "letterocr" in code
    assert "complete" in code
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=code, text=True, check=True)


def test_another_shell_is_refused(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        make_completion_parser().parse_args(["fish"])
    assert end.value.code == 2
    assert "fish" in capsys.readouterr().err
