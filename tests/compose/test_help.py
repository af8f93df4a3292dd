"""The help names every field and every choice, and is quick."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

import pytest
from tiny import command

from letterocr import train
from letterocr.compose import registry
from letterocr.compose.help import SECTIONS, format_value
from letterocr.compose.overrides import list_choices
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
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    for schema, prefix in [(TrainConfig, ""), (ChainConfig, "model.")]:
        assert_listed(schema, prefix, words)
    for group, entries in registry.GROUPS.items():
        for name, entry in entries.items():
            assert f" {name} {entry.line} ({entry.source})" in words
            if isinstance(entry, registry.Entry):
                assert_listed(entry.schema, f"{group}.", words)
    lines = text.splitlines()
    assert [line for line in lines if "  paper/" in line] == ["  paper/fig7", "  paper/fig8"]
    launchers = {path.stem for path in (find_conf_folder() / "launcher").glob("*.yaml")}
    assert launchers == {line.split()[0] for line in lines if "joblib: one run" in line or "SLURM through" in line}
    assert printed_help("model=two_layer", "-h") == text


def assert_listed(schema: type, prefix: str, words: str) -> None:
    for f in fields(schema):
        if prefix + f.name in registry.GROUPS or f.name in ("name", "kind"):
            continue
        default = f.default_factory() if f.default is MISSING else f.default
        choices = f" [{', '.join(f.metadata['choices'])}]" if f.metadata["choices"] else ""
        assert f"{prefix}{f.name}={format_value(default)} {f.metadata['help']}{choices}" in words


def test_every_field_of_a_run_is_in_one_section():
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted([*listed, *registry.GROUPS]) == sorted(f.name for f in fields(TrainConfig))


def test_the_help_tells_which_choice_brings_another_default():
    words = " ".join(printed_help("--help").split())
    assert "; printed 0.02, spectral 0.3, two_layer 0.0005," in words
    assert "two_layer []" in words


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
    keys = set(list_choices())
    assert {"samples", "model", "model.hidden", "data.path", "data.repetitions", "experiment"} <= keys
    assert all(is_dataclass(schema) for schema in SCHEMAS)
    assert Path(find_conf_folder(), "config.yaml").is_file()


def test_hydras_own_parser_is_not_used_as_python_314_refuses_its_help(monkeypatch):
    def refuse():
        raise ValueError("badly formed help string")

    monkeypatch.setattr("hydra._internal.utils.get_args_parser", refuse)
    assert command("samples=3", "--cfg", "job", "-p", "samples").out == "3\n"
