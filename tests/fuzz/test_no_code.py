"""Nothing that a file brings is run: no module of the package unpickles, evaluates or loads without care."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FORBIDDEN = {"eval", "exec", "compile", "__import__", "load_pickle", "unsafe_load", "full_load", "Unpickler"}
CAREFUL = {  # calls that are safe with this argument, or nowhere but in these files
    "pickle.loads": ("sweep/loader.py", "sweep/processes.py"),  # what this process made, or its own private folder has
    "yaml.load": ("base/untrusted.py",),  # with the safe loader
    "np.load": (),
    "numpy.load": (),
    "torch.load": (),
    "joblib.load": (),
    "pickle.load": (),
}


def list_calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("room", ["letterocr", "hydra_plugins"])
def test_no_module_runs_what_a_file_holds(room: str) -> None:
    for path in (REPOSITORY / room).rglob("*.py"):
        name = path.relative_to(REPOSITORY / room).as_posix()
        for call in list_calls(path):
            assert call.rpartition(".")[2] not in FORBIDDEN or call == "re.compile", f"{name}: {call}"
            assert call not in CAREFUL or name in CAREFUL[call], f"{name}: {call}"
