"""The command `letterocr list`: one line for each run, and a sentence for what is broken."""

from __future__ import annotations

from pathlib import Path

from sweeps import make_run

from letterocr.base.files import write_json
from letterocr.list import format_age, main
from letterocr.run.lock import Lock


def run(*arguments: str | Path) -> int:
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_line_tells_label_error_state_age_and_folder(tmp_path, capsys):
    best, worst = make_run(tmp_path, 0.1, 1.0, 0), make_run(tmp_path, 1.0, 1.0, 0)
    trained = make_run(tmp_path / "deep", 0.01, 1.0, 0, over=False)
    failed = make_run(tmp_path, 10.0, 1.0, 0, over=False)
    write_json(failed / "failure.json", {"reason": "Out of\nmemory"})
    with Lock(trained):
        assert run(tmp_path, "--sort", "error") == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["error", "state", "age", "run", "folder"]
    assert lines[0].split()[:4] == ["10.0", "%", "finished", "0"]
    assert "learning rate 0.1 " in lines[0]
    assert [line.split()[-1] for line in lines[:2]] == [best.name, worst.name]
    states = {line.split()[-1]: line.split()[1] for line in lines[2:4]}
    assert states == {f"deep/{trained.name}": "running", failed.name: "failed"}
    assert lines[4] == f"{failed}: failed (Out of memory)."


def test_a_folder_without_runs_and_one_that_is_not_there(tmp_path, capsys):
    assert run(tmp_path) == 2
    assert "holds no run folder" in capsys.readouterr().err
    assert run(tmp_path / "nowhere") == 2
    assert "can't be read" in capsys.readouterr().err


def test_ages_have_one_unit():
    assert [format_age(s) for s in (-1, 0, 61, 3600, 86_400 * 9)] == ["0 s", "0 s", "1 min", "1 h", "9 d"]
