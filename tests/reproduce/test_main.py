"""The command, as the user gives it."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from pkgutil import resolve_name
from unittest import mock

import pytest
import tiny

from letterocr.base.signals import StoppedError
from letterocr.reproduce import __main__ as reproduce
from letterocr.reproduce import spectrum_claims as spectra


def command(*arguments: str) -> int:
    """The command's exit status."""
    with mock.patch.object(sys, "argv", ["letterocr.reproduce", *arguments]):
        try:
            reproduce.main()
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def test_every_claim_is_there_and_says_what_it_is():
    for claim in reproduce.CLAIMS.values():
        assert resolve_name(f"letterocr.reproduce.{claim.target}").__doc__


def test_claims_are_measured_on_ones_own_letters(tmp_path: Path, capsys):
    output = tmp_path / "page"
    arguments = ["data=images", f"data.path={tiny.letters()}", "data.test_per_letter=1", f"output={output}"]
    assert command("fig5", "normal", *arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == f"Page: {output / 'index.html'}"
    assert printed[0].startswith("Fig. 5: the singular values: does not hold: the first alone dominates")
    stored = json.loads((output / "findings.json").read_text())
    assert list(stored["findings"]) == ["fig5", "normal"]
    assert "data=images" in stored["about"]["command"]
    assert (output / "fig5.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fig9"], "there is no claim fig9; did you mean fig8?"),
        (["?"], "there is no claim ?; choose among fig3, arithmetic"),
        (["data.path=x"], "data.path: data=synthetic has no such field; take data=emnist or images or arrays."),
        (["--data", "emnist"], "--data: a field has no dashes; write data=emnist"),
        (["model=two_layer"], "model=two_layer: reproduce decides this itself"),
        (["data=images", "data.path=/no/such"], "/no/such does not exist"),
        (["data=images"], "data=images needs"),
        (["replicas=0"], "replicas=0: must be a finite number at least 1."),
        (["evaluate_every=0"], "evaluate_every=0: must be a whole number"),
        (["samples=9"], "samples=9: must be at least 10."),
        (["data.classes=digits"], "data.classes=digits: the claims are about letters; take letters or all."),
    ],
)
def test_a_mistake_is_one_sentence(arguments, sentence, tmp_path, capsys):
    assert command(*arguments, f"output={tmp_path / 'page'}") == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("letterocr: ")
    assert sentence in err
    assert not (tmp_path / "page").exists()


def test_a_signal_leaves_the_page_whole(tmp_path, capsys):
    def stopped(material):
        raise StoppedError(signal.SIGTERM)

    output = tmp_path / "page"
    arguments = ["data=images", f"data.path={tiny.letters()}", "data.test_per_letter=1", f"output={output}"]
    with mock.patch.object(spectra, "judge_rank", stopped):
        assert command("fig5", "rank", *arguments) == 128 + signal.SIGTERM
    assert list(json.loads((output / "findings.json").read_text())["findings"]) == ["fig5"]
    assert "the page holds what was measured before" in capsys.readouterr().err


def test_help_lists_the_claims(capsys):
    assert command("--help") == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in reproduce.CLAIMS)
