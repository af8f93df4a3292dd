"""Install the package with its development tools into a virtual environment: `python scripts/make_env.py .venv`.

uv takes a fraction of pip's time, so pip installs uv first, and uv the rest, from the index that pip is configured for.
Where uv is not to be had, pip installs everything.

--lowest        the lowest versions that pyproject.toml admits
--versions FILE the versions of a lock file, such as requirements.txt
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

NAMES = {  # settings of pip, and the variables by which uv takes them
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "cert": "SSL_CERT_FILE",
}
WHAT = ".[dev,docs]"


def read_pip_settings(python: Path) -> dict[str, str]:
    """Return the settings of pip, from its files and from the environment, as variables of uv."""
    listed = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    found = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        if (variable := NAMES.get(name.rpartition(".")[2])) and variable not in os.environ:
            found[variable] = value.strip("'\"").replace("\\n", " ").strip()
    return found


def install(folder: Path, versions: Path | None, lowest: bool) -> int:
    """Make the environment; return the exit status of what installed it.

    Args:
        folder: the virtual environment.
        versions: file with the version of each package; None: the newest ones that pyproject.toml admits.
        lowest: whether to take the lowest versions, which only uv can do.
    """
    venv.create(folder, with_pip=True, clear=True)
    python = folder / "bin" / "python"
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    constraint: list[str | Path] = ["--constraint", versions] if versions else []
    if subprocess.run([*pip, *constraint, "uv"]).returncode:
        if lowest:
            return 1
        return subprocess.run([*pip, "--no-compile", *constraint, "--editable", WHAT]).returncode
    settings = {"UV_INDEX_STRATEGY": "unsafe-best-match"} | read_pip_settings(python)  # the best of all, as pip does
    uv: list[str | Path] = [folder / "bin" / "uv", "pip", "install", "--quiet", "--python", python]
    needed = ["-r", "pyproject.toml", "--extra", "dev", "--extra", "docs"]  # a requirement of torch comes before triton
    lowest_versions = ["--resolution", "lowest-direct"] if lowest else []
    done = subprocess.run([*uv, *constraint, *lowest_versions, *needed], env=os.environ | settings)
    return (
        done.returncode or subprocess.run([*uv, "--no-deps", "--editable", "."], env=os.environ | settings).returncode
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--versions", type=Path)
    parser.add_argument("--lowest", action="store_true")
    given = parser.parse_args()
    sys.exit(install(given.folder, given.versions, given.lowest))
