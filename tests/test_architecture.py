"""The house keeps its rules: imports go one way, names are unique, files are short (docs/architecture.md)."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "letterocr"
LINES = 300  # of a file, at most
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the package in that folder."""
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def list_sources() -> list[Path]:
    folders = [PACKAGE, REPOSITORY / "tests", REPOSITORY / "scripts", REPOSITORY / "hydra_plugins"]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def list_duplicates(named: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: places for name, places in named.items() if len(places) > 1}


def test_imports_go_one_way() -> None:
    done = lint(REPOSITORY)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("base/errors.py", "import letterocr.train", "Imports go one way BROKEN"),
        ("predict.py", "import letterocr.curves", "Imports go one way BROKEN"),
        ("config/option.py", "import torch", "so that --help is quick BROKEN"),
    ],
)
def test_an_import_that_goes_up_is_found(tmp_path: Path, module: str, line: str, contract: str) -> None:
    shutil.copytree(PACKAGE, tmp_path / "letterocr", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    with open(tmp_path / "letterocr" / module, "a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert contract in done.stdout


def test_no_two_modules_share_a_name() -> None:
    """Only a method, source or model has one name in its config, its code and `conf/`: there the name is the link."""
    named = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).with_suffix("")
        if place.name not in ("__init__", "__main__") and place.parts[0] != "config":
            named[place.name].append(str(place))
    assert not list_duplicates(named)


def test_no_two_classes_share_a_name() -> None:
    named = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                named[node.name].append(str(path.relative_to(PACKAGE)))
    assert not list_duplicates(named)


def test_no_file_has_more_than_300_lines() -> None:
    lines = {str(path.relative_to(REPOSITORY)): len(path.read_text("utf-8").splitlines()) for path in list_sources()}
    assert not {name: count for name, count in lines.items() if count > LINES}


def test_the_pictures_of_the_documentation_are_small() -> None:
    assert sum(path.stat().st_size for path in (REPOSITORY / "docs").rglob("*.png")) < 600_000


def test_the_schema_and_the_registry_import_nothing_heavy() -> None:
    code = (
        "import sys, letterocr.config.check, letterocr.compose.registry, letterocr.compose.help; "
        "print(*sorted({'torch', 'numpy', 'numba', 'hydra', 'omegaconf', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
