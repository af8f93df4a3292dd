"""Every dependency has its reason in docs/architecture.md and is used; the versions of CI are within the ranges."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
MODULES = {  # where the name of the package is not that of its module
    "hydra-core": "hydra",
    "hydra-submitit-launcher": "hydra_plugins.hydra_submitit_launcher",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pyyaml": "yaml",
}


def list_requirements() -> list[Requirement]:
    return [Requirement(text) for own in (PROJECT["dependencies"], *EXTRAS.values()) for text in own]


def test_the_table_of_reasons_is_that_of_pyproject() -> None:
    _, _, section = (REPOSITORY / "docs" / "architecture.md").read_text().partition("## Dependencies")
    rows = re.findall(r"^\| (`.*?) \| .+ \|$", section.partition("\n## ")[0], re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([\w-]+)`", row)]
    assert named == sorted(set(named), key=named.index)
    assert set(named) == {requirement.name for requirement in list_requirements()}


def test_every_dependency_of_the_package_is_imported_by_it() -> None:
    sources = [
        path.read_text() for room in ("letterocr", "hydra_plugins") for path in (REPOSITORY / room).rglob("*.py")
    ]
    for text in PROJECT["dependencies"]:
        name = Requirement(text).name
        module = re.escape(MODULES.get(name, name.replace("-", "_")))
        used = re.compile(rf"^\s*(?:from|import) {module}\b", re.MULTILINE)
        assert any(used.search(source) for source in sources), f"nothing imports {name}"


def test_the_versions_of_ci_are_within_the_ranges_and_come_from_no_named_index() -> None:
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    assert not any("://" in line for line in lines)
    assert not any(line.startswith("-") for line in lines)
    versions = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    for text in (*PROJECT["dependencies"], *EXTRAS["dev"], *EXTRAS["docs"]):
        requirement = Requirement(text)
        assert requirement.specifier.contains(versions[requirement.name]), text
