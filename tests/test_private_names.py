"""Names that other packages keep for themselves and that we borrow: where one goes, its test says so in a sentence.

There is no public way to what they do. Nothing else in the package may use such a name.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
BORROWED = [
    ("hydra._internal.config_loader_impl", "ConfigLoaderImpl", "letterocr/sweep/loader.py derives SweepLoader from it"),
    (
        "hydra._internal.config_loader_impl",
        "get_overrides_dirname",
        "letterocr/sweep/loader.py names a job with it, as Hydra does",
    ),
    (
        "hydra._internal.core_plugins.basic_sweeper",
        "BasicSweeper",
        "hydra_plugins/letterocr_launchers.py derives Grid from it",
    ),
    ("submitit.core.utils", "FailedJobError", "letterocr/sweep/slurm.py catches it where sbatch refuses"),
    ("submitit.core.utils", "JobPaths", "letterocr/sweep/slurm.py reads result_pickle and stderr of a job from it"),
    ("submitit.helpers", "DelayedSubmission", "letterocr/sweep/launchers.py gives it back to queue a job again"),
    ("hydra.experimental.callback", "Callback", "letterocr/sweep/closing_report.py derives ClosingReport from it"),
    (
        "hydra_plugins.hydra_submitit_launcher.config",
        "BaseQueueConf",
        "letterocr/sweep/slurm.py tells sbatch's own options by it",
    ),
    (
        "hydra_plugins.hydra_submitit_launcher.config",
        "SlurmQueueConf",
        "hydra_plugins/letterocr_launchers.py derives the fields of launcher=slurm_cpu from it",
    ),
    ("hydra._internal.utils", "_run_hydra", "letterocr/train.py starts Hydra with it, as hydra.main does"),
    (
        "hydra._internal.core_plugins.file_config_source",
        "FileConfigSource",
        "letterocr/compose/hydra_guard.py derives its reader of presets from it",
    ),
    (
        "hydra._internal.sources_registry",
        "SourcesRegistry",
        "letterocr/compose/hydra_guard.py puts its reader of presets there",
    ),
]


def find(module: str, name: str, use: str) -> object:
    """The borrowed thing."""
    missing = f"{module}.{name} is gone: {use}; find what took its place, or pin the package's version."
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        found = None
    assert found is not None, missing
    return found


@pytest.mark.parametrize(("module", "name", "use"), BORROWED, ids=lambda text: text.rpartition(".")[2])
def test_a_borrowed_name_is_there(module: str, name: str, use: str) -> None:
    find(module, name, use)


def test_hydras_loader_has_what_the_fast_one_changes() -> None:
    loader = find(*BORROWED[0])
    for name, use in {
        "load_sweep_config": "SweepLoader composes with it what it has not kept",
        "get_search_path": "SweepLoader takes Hydra's search path by it",
    }.items():
        assert callable(getattr(loader, name, None)), f"ConfigLoaderImpl.{name} is gone: {use}."
    assert "self.repository" in inspect.getsource(loader), (  # type: ignore[arg-type]
        "ConfigLoaderImpl.repository is gone: SweepLoader asks it which overrides choose a group of files."
    )
    repository = importlib.import_module("hydra._internal.config_repository").ConfigRepository
    assert callable(getattr(repository, "group_exists", None)), (
        "ConfigRepository.group_exists is gone: SweepLoader tells by it which overrides choose a group of files."
    )


def test_hydras_sweeper_has_what_ours_changes() -> None:
    sweeper = find(*BORROWED[2])
    for name, use in {
        "setup": "Grid gives the launcher the fast loader there",
        "validate_batch_is_legal": "Grid skips it, as our launchers compose every config themselves",
    }.items():
        assert callable(getattr(sweeper, name, None)), f"BasicSweeper.{name} is gone: {use}."


def test_submitit_tells_where_a_job_writes() -> None:
    paths = find(*BORROWED[4])
    for name in ("result_pickle", "stderr"):
        what = f"JobPaths.{name} is gone: letterocr/sweep/slurm.py tells by it how a job ended."
        assert isinstance(getattr(paths, name, None), property), what


def test_a_job_of_submitits_can_be_known() -> None:
    module = importlib.import_module("submitit.core.job_environment")
    assert "SUBMITIT_EXECUTOR" in inspect.getsource(module), (
        "submitit sets no SUBMITIT_EXECUTOR any more: letterocr/sweep/slurm.py tells by it who judges signals."
    )


def list_private_names(path: Path) -> Iterator[str]:
    """Imports of private names, and private attributes of what is not the module's own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own.add("_replace")  # of a NamedTuple, which Python documents
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            module = getattr(node, "module", "") or ""
            for alias in node.names:
                name = f"{module}.{alias.name}".strip(".")
                if any(part.startswith("_") and not part.startswith("__") for part in name.split(".")):
                    yield name
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            if ast.unparse(node.value) not in ("self", "cls") and node.attr not in own:
                yield ast.unparse(node)
        elif isinstance(node, ast.Attribute) and node.attr in ("__self__", "__wrapped__"):
            yield ast.unparse(node)


def test_no_other_private_name_is_used() -> None:
    listed = {f"{module}.{name}" for module, name, _ in BORROWED} | {"os._exit"}  # which Python documents
    folders = [REPOSITORY / name for name in ("letterocr", "hydra_plugins", "scripts")]
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        found = set(list_private_names(path)) - listed
        assert not found, f"{path.relative_to(REPOSITORY)} uses {sorted(found)}, which another module keeps for itself."
