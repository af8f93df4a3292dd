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
    }


def test_every_command_is_installed(installed):
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")
    text = entry_points.read_text()
    for module in ("train", "predict", "learning_rate", "curves"):
        assert f"letterocr-{module.replace('_', '-')} = letterocr.{module}:main" in text
    for module in ("compare", "search", "summary", "reproduce", "meta_train", "doctor"):
        assert f"letterocr-{module.replace('_', '-')} = letterocr.{module}.__main__:main" in text


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
    assert "paper/fig7, paper/fig8" in python(installed, "-m", "letterocr.train", "--help", cwd=tmp_path)


def test_in_a_checkout_conf_stands_beside_the_package():
    assert find_conf_folder() == REPOSITORY / "conf"
