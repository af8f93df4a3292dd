"""The package's public face: its names, lazily imported, none of them a command's module."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import pytest

import letterocr
from letterocr import matrix
from letterocr.__main__ import COMMANDS


def test_every_name_is_there_and_documented() -> None:
    assert set(letterocr.__all__) <= set(dir(letterocr))
    for name in letterocr.__all__:
        assert getattr(letterocr, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        letterocr.trian  # noqa: B018


def test_every_name_of_the_matrix_view_is_there() -> None:
    for name in matrix.__all__:
        assert getattr(matrix, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'alphabt'"):
        matrix.alphabt  # noqa: B018


def test_no_command_hides_a_name() -> None:
    for module, _ in COMMANDS.values():
        import_module(module)
        assert module.split(".")[1] not in letterocr.__all__
    assert callable(letterocr.fit)


def test_nothing_heavy_is_imported_before_it_is_used(tmp_path) -> None:
    code = "import json, sys, letterocr; dir(letterocr); letterocr.matrix; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    modules = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not modules & {"torch", "numpy", "numba", "hydra", "matplotlib", "scipy"}
