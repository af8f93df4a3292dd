"""Processes of the commands, without the seconds that a new Python takes to import PyTorch.

One helper process of all test workers imports everything once. For each command it forks a process, which runs the
module as `python -m` does: with its own process number, output, folder, environment and exit status. Variables that
PyTorch or Numba read while they are imported are those of the test worker that started it.
"""

from __future__ import annotations

import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TextIO

from filelock import FileLock
from forked_workers import fork_workers_of_loky
from held import hold_runs

IMPORTED = [  # what the commands import, early or late
    *(
        "letterocr.base.command_line",
        "letterocr.compose.help",
        "letterocr.run.training",
        "letterocr.compose.build",
        "letterocr.engine.certified_follower",
    ),
    *("letterocr.engine.blocked", "letterocr.sweep.launchers", "letterocr.sweep.closing_report"),
    *("letterocr.search.worker", "hydra._internal.hydra", "hydra._internal.utils", "pyarrow.parquet"),
    *("letterocr.compare.trial", "safetensors.torch", "tensorboard.summary.writer.event_file_writer", "scipy.special"),
]


class ForkedProcess:
    """A command in a process of its own; it has what the tests use of `subprocess.Popen`."""

    def __init__(self, arguments: list[str], cwd: Path, env: dict[str, str], own_session: bool = False) -> None:
        self.args, self.returncode = arguments, None
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(start_helper())
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        request = {"arguments": arguments, "cwd": str(cwd), "env": env, "own_session": own_session}
        socket.send_fds(self._connection, [json.dumps(request).encode() + b"\n"], [out_end, err_end])
        os.close(out_end)
        os.close(err_end)
        self.stdout, self.stderr = open(out), open(err)  # noqa: SIM115
        self._answers: TextIO = self._connection.makefile()
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                return self.wait() if selector.select(0) else None
        return self.returncode

    def wait(self, timeout: float = 600) -> int:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = int(self._answers.readline())
        return self.returncode

    def communicate(self, timeout: float = 600) -> tuple[str, str]:
        end, found = time.monotonic() + timeout, {self.stdout: b"", self.stderr: b""}
        with selectors.DefaultSelector() as selector:
            for stream in found:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0, end - time.monotonic()))
                if not ready:
                    raise subprocess.TimeoutExpired(self.args, timeout)
                for key, _ in ready:
                    part = os.read(key.fd, 65536)
                    found[key.fileobj] += part
                    if not part:
                        selector.unregister(key.fileobj)
        self.wait()
        self.close()
        return found[self.stdout].decode(), found[self.stderr].decode()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        for stream in (self.stdout, self.stderr, self._answers, self._connection):
            stream.close()

    def __enter__(self) -> ForkedProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        self.close()


@cache
def start_helper() -> str:
    """Return the address of the helper process, which the first test worker that needs it starts."""
    folder = Path(tempfile.gettempdir()) / f"letterocr-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    folder.mkdir(exist_ok=True)
    address, users = folder / "socket", folder / "users"
    with FileLock(folder / "lock"):
        if is_new := not users.exists():
            os.mkfifo(users)
            command = [sys.executable, __file__, address, users]
            start_helper.helper = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        start_helper.user = os.open(users, os.O_WRONLY)  # the helper ends when no worker has it open any more
        if is_new:
            assert start_helper.helper.stdout.readline() == b"ready\n"
    return str(address)


def serve(address: str, users: str) -> dict:
    """Fork a process for each request; return the request in that process."""
    pipe = os.open(users, os.O_RDONLY)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if any(key.fileobj == pipe for key, _ in selector.select()):
                shutil.rmtree(Path(address).parent)
                os._exit(0)
            connection, _ = listener.accept()
            if not os.fork():
                break
            connection.close()
    listener.close()
    os.close(pipe)
    return attend(connection)


def attend(connection: socket.socket) -> dict:
    """Fork the command's process and return the request there; here wait for it, and send its number and status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    text, streams, _, _ = socket.recv_fds(connection, 1 << 20, 2)
    while not text.endswith(b"\n"):
        text += connection.recv(1 << 20)
    if process := os.fork():
        for stream in (0, 1, *streams):
            os.close(stream)
        connection.sendall(f"{process}\n".encode())
        _, status = os.waitpid(process, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    connection.close()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate((nothing, *streams)):
        os.dup2(stream, number)
        os.close(stream)
    return json.loads(text)


def become(request: dict) -> None:
    """Run the module as `python -m` does."""
    if request["own_session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    module, *arguments = request["arguments"]
    sys.argv[:] = [module, *arguments]
    sys.path[0] = request["cwd"]
    hold_runs()
    fork_workers_of_loky()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    import importlib

    for name in IMPORTED:
        importlib.import_module(name)
    become(serve(*sys.argv[1:]))
