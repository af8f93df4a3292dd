"""The one form of all commands: fields, options, words, and what is said where one does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import one_sentence

from letterocr.base.command_line import CommandParser, lay_out, split_words
from letterocr.base.home import expand_path


def make_parser() -> CommandParser:
    parser = CommandParser("paint", "Paint pictures.", ["letterocr paint a.png size=3"], {"model": ["two", "three"]})
    parser.add_word("pictures", "what to paint", type=Path, nargs="*", metavar="PICTURE")
    parser.add_field("size", 30, "pixels", int, low=1)
    parser.add_field("output", Path("out"), "the folder", expand_path)
    parser.add_field("colours", ["red"], "which", split_words, choices=["red", "blue"], shown="red")
    parser.add_option("json", "for programs", action="store_true")
    parser.add_option("tries", "how many", type=int, default=2, metavar="N")
    return parser


def test_words_fields_overrides_and_options_come_in_any_order() -> None:
    given = make_parser().parse_args(["a.png", "size=4", "--tries", "5", "model=two", "b.png", "--json"])
    assert (given.pictures, given.size, given.tries, given.json) == ([Path("a.png"), Path("b.png")], 4, 5, True)
    assert given.overrides == ["model=two"]
    assert make_parser().parse_args(["size=1e2"]).size == 100
    assert (given.output, given.colours) == (Path("out"), ["red"])


def test_a_path_may_begin_at_home_and_a_list_has_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    given = make_parser().parse_args(["output=~/runs", "colours=red,blue"])
    assert (given.output, given.colours) == (Path("/home/ada/runs"), ["red", "blue"])


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["size=x"], ["size=x", "a whole number, at least 1"]),
        (["size=0"], ["size=0", "at least 1"]),
        (["colours=red,blu"], ["colours=red,blu", "there is no colours blu", "did you mean blue?"]),
        (["--size", "3"], ["--size", "write size=3"]),
        (["--size"], ["--size", "write size=VALUE"]),
        (["--model", "two"], ["write model=two"]),
        (["--size=3"], ["--size=3", "write size=3"]),
        (["--model=two"], ["--model=two", "write model=two"]),
        (["--jsno"], ["--jsno", "did you mean --json?"]),
        (["--tries", "x"], ["letterocr paint", "--tries", "--help shows how"]),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(
    arguments: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        make_parser().parse_args(arguments)
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("letterocr: ")
    one_sentence(ValueError(err.strip()), *parts)


def test_the_help_names_everything_with_its_default_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        make_parser().parse_args(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[0] == "letterocr paint [PICTURE ...] [field=value ...] [--options]"
    for part in ("Paint pictures.", "letterocr paint a.png size=3", "size=30", "colours=red", "--json", "(default: 2)"):
        assert part in text


def test_long_names_have_a_line_of_their_own_and_long_meanings_are_wrapped() -> None:
    rows = [("a" * 30, "meaning"), ("b", "word " * 30)]
    lines = lay_out(rows)
    assert lines[0] == "  " + "a" * 30
    assert lines[1] == " " * 30 + "meaning"
    assert all(len(line) <= 80 for line in lines)
    assert " ".join(" ".join(lines[2:]).split()) == "b " + " ".join(["word"] * 30)
