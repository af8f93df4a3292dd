"""The wheel is enough: it holds `conf/`, and the command finds it there."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from letterocr import __version__
from letterocr.compose.presets import find_conf_folder

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built without network by what the development environment has."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    done = subprocess.run(build, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The wheel's content in a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def python(installed: Path, *arguments: str, cwd: Path) -> str:
    """Run Python with the wheel first on its path, from a directory that is not the repository."""
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def yaml_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.yaml")}


def test_the_wheel_is_named_by_the_version(wheel):
    assert wheel.name == f"letterocr-{__version__}-py3-none-any.whl"


def test_the_wheel_holds_every_module_and_every_file_of_conf(installed):
    package = installed / "letterocr"
    assert yaml_files(package / "conf") == yaml_files(REPOSITORY / "conf")
    modules = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "letterocr").rglob("*.py")}
    modules |= {"hydra_plugins/letterocr_launchers.py"}
    assert modules == {str(path.relative_to(installed)) for path in installed.rglob("*.py")}


def test_the_wheel_holds_nothing_else(installed):
    assert {path.name.partition("-")[0] for path in installed.iterdir()} == {"letterocr", "hydra_plugins"}
    assert {path.suffix for path in (installed / "letterocr").rglob("*") if path.is_file()} <= {
        ".py",
        ".yaml",
        ".typed",
        ".safetensors",
        *(".html", ".css", ".js", ""),  # the pages, and the licence of plotly.js
    }


def test_every_command_is_installed(installed):
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")
    assert "letterocr = letterocr.__main__:main" in entry_points.read_text()


def test_the_installed_command_finds_its_conf(installed, tmp_path):
    code = "from letterocr.compose import presets; print(presets.__file__, presets.find_conf_folder(), sep='\\n')"
    module, conf = python(installed, "-c", code, cwd=tmp_path).splitlines()
    assert module == str(installed / "letterocr" / "compose" / "presets.py")
    assert conf == str(installed / "letterocr" / "conf")


def test_the_installed_command_composes_the_papers_presets(installed, tmp_path):
    command = ["-m", "letterocr.train", "experiment=paper/fig8", "--cfg", "job"]
    out = python(installed, *command, cwd=tmp_path)
    assert "name: four_layer" in out
    assert "temperature: 150" in out
    assert "  paper/fig7\n  paper/fig8\n" in python(installed, "-m", "letterocr.train", "--help", cwd=tmp_path)


SCRIPT = """
import letterocr
import numpy as np

rng = np.random.default_rng(0)
images, labels = rng.random((60, 900)), np.arange(60) % 3
run: letterocr.Run = letterocr.fit(model="two_layer", data=(images, labels), test=0.2, samples=20, engine="reference")
again: letterocr.Run = letterocr.fit(
    model="two_layer", data=(images, labels), test=0.2, samples=20, output="runs", engine="reference"
)
assert run.folder is None and again.folder is not None
loaded = letterocr.load(again.folder)
error: float = loaded.test_error
reading: letterocr.Reading = run.read(np.eye(20))
text: str = reading.text
for part in letterocr.iterate(model="two_layer", data=(images, labels), samples=20, every=10, engine="reference"):
    samples: np.ndarray = part.samples
A = letterocr.matrix.alphabet(letterocr.letters("synthetic", train_per_letter=1).train)
try:
    letterocr.fit(samples=-1)
except letterocr.UserError as mistake:
    print(mistake)
print(letterocr.__file__)
"""


def test_the_installed_library_works_in_an_empty_folder(installed, tmp_path):
    (tmp_path / "mine.py").write_text(SCRIPT)
    said = python(installed, "-W", "error", "mine.py", cwd=tmp_path).splitlines()
    assert said == ["samples=-1: must be a finite number at least 0.", str(installed / "letterocr" / "__init__.py")]
    assert {path.name for path in tmp_path.iterdir()} == {"mine.py", "runs"}


MYPY = """
[mypy]
strict = true
follow_imports = silent
ignore_missing_imports = true

[mypy-torch.*,numba.*,scipy.*,matplotlib.*,hydra.*,omegaconf.*]
follow_imports = skip
"""  # the last packages are large, and the user's script needs none of them


def test_a_users_script_is_type_checked_against_the_installed_library(installed, tmp_path):
    (tmp_path / "mypy.ini").write_text(MYPY)
    (tmp_path / "mine.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text("import letterocr\n\nrun: int = letterocr.load(3)\n")
    check = [sys.executable, "-m", "mypy", f"--cache-dir={tmp_path / 'cache'}", "mine.py", "wrong.py"]
    environment = os.environ | {"MYPYPATH": str(installed)}
    done = subprocess.run(check, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "mine.py" not in done.stdout, done.stdout
    assert 'wrong.py:3: error: Argument 1 to "load" has incompatible type "int"' in done.stdout
    assert 'wrong.py:3: error: Incompatible types in assignment (expression has type "Run"' in done.stdout


def test_in_a_checkout_conf_stands_beside_the_package():
    assert find_conf_folder() == REPOSITORY / "conf"
