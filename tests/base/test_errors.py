"""A command whose output nobody reads any more ends as a shell expects, without a word."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from letterocr.base.errors import end_quietly

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]


@pytest.mark.parametrize("module", sorted({target.partition(":")[0] for target in SCRIPTS.values()}))
def test_every_command_ends_quietly_where_nobody_reads_it(module):
    command = [sys.executable, "-m", module.removesuffix(".__main__"), "--help"]
    environment = os.environ | {"PYTHONUNBUFFERED": ""}  # what is buffered fails at the very end
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


def test_what_a_command_prints_and_its_status_are_its_own_otherwise(capsys):
    @end_quietly()
    def command():
        print("read", end="")
        sys.exit(3)

    with pytest.raises(SystemExit) as end:
        command()
    assert end.value.code == 3
    assert capsys.readouterr().out == "read"
