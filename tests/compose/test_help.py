"""The help names every field and every choice, and is quick."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from letterocr import train
from letterocr.compose import registry
from letterocr.compose.overrides import list_keys
from letterocr.compose.presets import find_conf_folder
from letterocr.config.model.chain import ChainConfig
from letterocr.config.train import TrainConfig

ENTRIES = [entry for entries in registry.GROUPS.values() for entry in entries.values()]
SCHEMAS = [TrainConfig, *dict.fromkeys(entry.schema for entry in ENTRIES if isinstance(entry, registry.Entry))]


def printed_help(*arguments: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train", *arguments])
        train.main()
    return out.getvalue()


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: s.__name__)
def test_every_field_is_explained_in_one_line(schema):
    for f in fields(schema):
        line = f.metadata["help"]
        assert line, f.name
        assert "\n" not in line
        assert "runtime" in f.metadata


def test_help_lists_every_field_and_every_choice():
    text = printed_help("--help")
    lines = text.splitlines()
    for schema, prefix in [(TrainConfig, ""), (ChainConfig, "model.")]:
        assert_listed(schema, prefix, lines)
    for group, entries in registry.GROUPS.items():
        for name, entry in entries.items():
            assert any(line.split()[:1] == [name] and entry.line in line and entry.source in line for line in lines)
            if isinstance(entry, registry.Entry):
                assert_listed(entry.schema, f"{group}.", lines)
    assert "paper/fig7, paper/fig8" in text
    launchers = {path.stem for path in (find_conf_folder() / "launcher").glob("*.yaml")}
    assert launchers == {line.split()[0] for line in lines if "joblib: one run" in line or "SLURM through" in line}
    assert printed_help("model=two_layer", "-h") == text


def assert_listed(schema: type, prefix: str, lines: list[str]) -> None:
    for f in fields(schema):
        if prefix + f.name in registry.GROUPS or f.name in ("name", "kind"):
            continue
        rows = [line for line in lines if line.split()[:1] == [prefix + f.name] and f.metadata["help"] in line]
        assert rows, prefix + f.name
        assert all(choice in row for row in rows for choice in f.metadata.get("choices", ()))


def test_help_is_quick_it_imports_nothing_heavy(tmp_path):
    code = (
        "import sys, json\nsys.argv = ['train', '--help']\n"
        "from letterocr.train import main\nmain()\nprint(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    modules = {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    heavy = {"torch", "matplotlib", "tensorboard", "hydra", "omegaconf", "numpy", "rich", "pyarrow", "PIL", "scipy"}
    assert not modules & heavy


def test_the_keys_are_those_of_the_schema():
    keys = list_keys()
    assert {"samples", "model", "model.hidden", "data.path", "data.repetitions", "experiment"} <= keys
    assert all(is_dataclass(schema) for schema in SCHEMAS)
    assert Path(find_conf_folder(), "config.yaml").is_file()
