"""The processes of joblib's loky, without the seconds that a new Python takes to import PyTorch.

A command that was forked by `forked.py` forks a process before it does anything, the stem. When loky starts a worker,
the stem forks twice and the first child ends, so that Linux makes the command the worker's parent, as loky expects.
"""

from __future__ import annotations

import ctypes
import json
import os
import runpy
import signal
import socket
import sys
import time
from collections.abc import Iterable
from typing import NoReturn

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h: processes whose parent ends become children of this one


def fork_workers_of_loky() -> None:
    """Let loky fork its workers from a new process that is like this one."""
    from joblib.externals.loky.backend import fork_exec

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    ours, the_stems = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if not os.fork():
        ours.close()
        _serve(the_stems)
    the_stems.close()

    def fork_worker(command: list[str], keep: Iterable[int], env: dict[str, str] | None = None) -> int:
        descriptors = sorted({int(number) for number in keep})
        names = [0, 1, 2, *descriptors]
        request = {"command": command, "names": names, "env": {**os.environ, **(env or {})}, "cwd": os.getcwd()}
        request["parent"] = os.getpid()
        socket.send_fds(ours, [json.dumps(request).encode()], names)
        return int(ours.recv(64))

    fork_exec.fork_exec = fork_worker


def _serve(connection: socket.socket) -> NoReturn:
    """Fork a worker for each request until the command ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # who reads the command's output waits for the command alone
        os.dup2(nothing, number)
    while True:
        text, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 64)
        if not text:
            os._exit(0)
        middle = os.fork()
        if not middle:
            if os.fork():
                os._exit(0)
            _become_worker(connection, json.loads(text), descriptors)
        os.waitpid(middle, 0)
        for number in descriptors:
            os.close(number)


def _become_worker(connection: socket.socket, request: dict, descriptors: list[int]) -> NoReturn:
    """Run loky's module with the file descriptors, environment and folder that it would have."""
    while os.getppid() != request["parent"]:
        time.sleep(0.001)
    connection.send(str(os.getpid()).encode())
    connection.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _move_descriptors(descriptors, request["names"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    _, _, module, *arguments = request["command"]
    sys.argv[:] = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit()


def _move_descriptors(descriptors: list[int], names: list[int]) -> None:
    """Give each file descriptor its number in the command."""
    beyond = max([*names, *descriptors]) + 1
    moved = []
    for place, number in enumerate(descriptors):  # first out of each other's way
        os.dup2(number, beyond + place)
        os.close(number)
        moved.append(beyond + place)
    for number, name in zip(moved, names, strict=True):
        os.dup2(number, name)
        os.close(number)
