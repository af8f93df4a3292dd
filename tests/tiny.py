"""A tiny alphabet in one file, and the command as the user gives it: a process of its own, or this one."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import itertools
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from forked import ForkedProcess
from omegaconf import DictConfig, OmegaConf

from letterocr.compose.stored_config import read_config
from letterocr.run import checkpoint

GLYPHS = (
    "01110 10001 11111 10001 10001",
    "11110 10001 11110 10001 11110",
    "01111 10000 10000 10000 01111",
    "11110 10001 10001 10001 11110",
    "11111 10000 11110 10000 11111",
    "11111 10000 11110 10000 10000",
    "01111 10000 10011 10001 01111",
    "10001 10001 11111 10001 10001",
    "01110 00100 00100 00100 01110",
    "00111 00010 00010 10010 01100",
    "10001 10010 11100 10010 10001",
    "10000 10000 10000 10000 11111",
    "10001 11011 10101 10001 10001",
    "10001 11001 10101 10011 10001",
    "01110 10001 10001 10001 01110",
    "11110 10001 11110 10000 10000",
    "01110 10001 10101 10011 01111",
    "11110 10001 11110 10010 10001",
    "01111 10000 01110 00001 11110",
    "11111 00100 00100 00100 00100",
    "10001 10001 10001 10001 01110",
    "10001 10001 01010 01010 00100",
    "10001 10001 10101 11011 10001",
    "10001 01010 00100 01010 10001",
    "10001 01010 00100 00100 00100",
    "11111 00010 00100 01000 11111",
)
WRITERS = 5


def write_letters(path: Path) -> None:
    """Each of five writers writes every letter once: 5x5 pixels drawn large, with grey noise of a fixed seed."""
    rng = np.random.default_rng(1)
    bits = np.array([[list(map(int, row)) for row in glyph.split()] for glyph in GLYPHS], dtype=float)
    large = np.pad(bits.repeat(4, axis=1).repeat(4, axis=2), ((0, 0), (5, 5), (5, 5)))
    ink = np.concatenate([large * rng.uniform(0.6, 1.0, large.shape) for _ in range(WRITERS)])
    np.savez(
        path,
        images=(255 * ink).astype(np.uint8),
        labels=np.tile(np.arange(26), WRITERS),
        writers=np.arange(WRITERS).repeat(26),
    )


@functools.cache
def letters() -> Path:
    """The tiny alphabet, written once for all tests of this process."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    write_letters(folder / "letters.npz")
    return folder / "letters.npz"


def tiny(*overrides: str, model: str = "three_layer") -> list[str]:
    """The overrides of a run that takes a fraction of a second; later ones win."""
    hidden = {"two_layer": "[]", "three_layer": "[40]", "four_layer": "[40,30]"}[model]
    own = [f"model={model}", f"model.hidden={hidden}", "threads=1", "engine=reference", "samples=300"]
    return [*own, "data=images", f"data.path={letters()}", "data.test_per_letter=1", *overrides]


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line of a refusal."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("letterocr: ")
        return lines[0].removeprefix("letterocr: ")


def start(*overrides: str, cwd: Path, env: dict[str, str] | None = None) -> ForkedProcess:
    """Start the command in a process of its own."""
    return ForkedProcess(["letterocr.train", *overrides], cwd, os.environ | (env or {}))


def finish(process: ForkedProcess, seconds: float = 60) -> Answer:
    """What the process came to, that long from now at most."""
    out, err = process.communicate(timeout=seconds)
    return Answer(process.returncode, out, err)


def wait_until(condition: Callable[[], bool], process: ForkedProcess) -> None:
    """Wait until the condition holds, while the process lives."""
    end = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.005)


def kill(process: ForkedProcess, number: int = signal.SIGKILL) -> Answer:
    process.send_signal(number)
    return finish(process)


@contextlib.contextmanager
def _without_hydra_state() -> Iterator[None]:
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    try:
        yield
    finally:
        GlobalHydra.instance().clear()


@contextlib.contextmanager
def composed_once(overrides: Sequence[str]) -> Iterator[None]:
    """Tell Hydra that one run is asked for, where nothing can ask for a sweep: it composes the config to find out."""
    from hydra._internal.hydra import Hydra
    from hydra.types import RunMode

    if any(text.startswith(("-", "+", "launcher=", "hydra", "experiment=")) for text in overrides):
        yield
    else:
        with mock.patch.object(Hydra, "get_mode", return_value=RunMode.RUN):
            yield


def command(*overrides: str, cwd: Path | None = None) -> Answer:
    """The command in this process: the same entry, without the seconds that a new process takes."""
    from letterocr.train import main

    out, err, status = io.StringIO(), io.StringIO(), 0
    threads = torch.get_num_threads()
    with (
        _without_hydra_state(),
        composed_once(overrides),
        mock.patch.object(sys, "argv", ["letterocr.train", *overrides]),
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        finally:
            torch.set_num_threads(threads)
    return Answer(status, out.getvalue(), err.getvalue())


def composed(*overrides: str) -> DictConfig:
    """The resolved config of a command."""
    answer = command(*overrides, "--cfg", "job", "--resolve")
    assert answer.status == 0, answer.err
    return OmegaConf.create(answer.out)


@contextlib.contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[Path]:
    """A small file system at that folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


class Killed(BaseException):
    """What stands for the end of a process in the tests that need no process."""


@contextlib.contextmanager
def handler(number: int, handle: Callable[..., Any]) -> Iterator[None]:
    """That handler of a signal, for a while."""
    old = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, old)


@contextlib.contextmanager
def at_write(count: int, event: BaseException) -> Iterator[None]:
    """Raise at the count-th file that is about to take its place."""
    calls = itertools.count(1)

    def fsync(number: int) -> None:
        if not stat.S_ISDIR(os.fstat(number).st_mode) and next(calls) == count:
            raise event

    with mock.patch("os.fsync", fsync):
        yield


@contextlib.contextmanager
def at_checkpoint(count: int, number: int = signal.SIGTERM) -> Iterator[None]:
    """Send the signal to this process when the count-th checkpoint is written."""
    calls, save = itertools.count(1), checkpoint.save

    def save_and_signal(*arguments: Any) -> None:
        save(*arguments)
        if next(calls) == count:
            signal.raise_signal(number)

    with mock.patch("letterocr.run.checkpoint.save", save_and_signal):
        yield


def run_folder(output: Path) -> Path:
    """The only run folder there is."""
    (folder,) = [path.parent for path in output.glob("*/config.yaml")]
    return folder


def folders(output: Path) -> dict[int, Path]:
    """The run folders of three-layer networks, by their seeds."""
    return {read_config(path.parent).seed: path.parent for path in output.glob("three_layer-*/config.yaml")}


def checkpoints(output: Path) -> list[Path]:
    """The JSON files of the checkpoints below `output`, oldest first."""
    return sorted(output.glob("*/checkpoints/*.json"))


def report_of(answer: Answer) -> list[str]:
    """The lines at the end of a sweep, without the last one, which says how to see its runs."""
    rows = answer.out.splitlines()
    report = rows[next(i for i, row in enumerate(rows) if row.startswith("Sweep of ")) :]
    return [row for row in report if not row.startswith("Page and table of all runs: ")]


def result_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "result.json").read_text())


def assert_same_curve(one: Path, other: Path) -> None:
    """Both run folders hold the same curve, to the bit."""
    curve, other_curve = (pq.read_table(folder / "curve.parquet") for folder in (one, other))
    assert curve.column_names == other_curve.column_names
    for name in curve.column_names:
        np.testing.assert_array_equal(curve[name].to_numpy(), other_curve[name].to_numpy(), err_msg=name)


def assert_same_bits(one: Path, other: Path) -> None:
    """Both run folders hold the same final tensors and the same curve."""
    (facts, tensors, _), (other_facts, other_tensors, _) = (
        checkpoint.load(folder / "checkpoints", torch.device("cpu")) for folder in (one, other)
    )
    assert facts["sample"] == other_facts["sample"]
    assert tensors.keys() == other_tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, other_tensors[name]), name
    assert_same_curve(one, other)
