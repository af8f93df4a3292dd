"""The kernels compile for a GPU that is not there, which the interpreter cannot tell: it runs any Python."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def test_every_kernel_compiles_for_an_h100(tmp_path: Path) -> None:
    environment = os.environ | {
        "TRITON_INTERPRET": "0",
        "TRITON_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, str(REPOSITORY / "scripts" / "compile_kernels.py"), "--small"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    compiled = {line.split()[0] for line in done.stdout.splitlines()}
    folder = REPOSITORY / "letterocr" / "engine" / "gpu"
    sources = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*_kernels.py"))
    helpers = {"activate_next", "learn_units", "follow_sample"}
    kernels = {line.split("(")[0].removeprefix("def ") for line in sources.splitlines() if line.startswith("def ")}
    assert compiled == kernels - helpers
