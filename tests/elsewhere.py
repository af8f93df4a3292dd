"""A command on another machine: a host name, a network, process numbers and a wall clock of its own.

    python -m elsewhere NAME NUMBER AHEAD MODULE [ARGUMENT ...]

The machine is a set of Linux namespaces, so it needs root. Its wall clock is AHEAD seconds ahead of the others'. With
LETTEROCR_NFS, which holds the options of the mount, it mounts the folder LETTEROCR_EXPORT of this machine at `SHARED`,
through a network link between the two (`scripts/nfs_machine.sh`); without it, it sees the folders of this machine.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from forked import ForkedProcess

NFS, EXPORT = "LETTEROCR_NFS", "LETTEROCR_EXPORT"
SHARED = Path("/mnt")
NEW = 0x00020000 | 0x04000000 | 0x20000000 | 0x40000000  # linux/sched.h: CLONE_NEWNS, NEWUTS, NEWPID, NEWNET
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def start_elsewhere(name: str, ahead: float, *command: str) -> ForkedProcess:
    """Start a module with its arguments on a machine of that name."""
    number = str(1 + sum(name.encode()) % 250)
    return ForkedProcess(["elsewhere", name, number, str(ahead), *command], Path(__file__).parent, dict(os.environ))


def can_be_elsewhere() -> bool:
    """Whether this process may make namespaces."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--net", "--pid", "--fork", "true"]).returncode == 0


def _call(*arguments: str) -> None:
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_for(child: int) -> NoReturn:
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(128 - code if code < 0 else code)


def _main(name: str, number: str, ahead: str, module: str, *arguments: str) -> None:
    moved, linked = os.pipe(), os.pipe()
    if machine := os.fork():
        os.read(moved[0], 1)
        if NFS in os.environ:
            _call("ip", "link", "add", f"to{number}", "type", "veth", "peer", "name", "wire", "netns", str(machine))
            _call("ip", "address", "add", f"10.9.{number}.1/24", "dev", f"to{number}")
            _call("ip", "link", "set", f"to{number}", "up")
        os.write(linked[1], b"x")
        _wait_for(machine)
    _end_with_parent()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW):
        raise OSError(ctypes.get_errno(), "unshare")
    os.write(moved[1], b"x")
    os.read(linked[0], 1)
    if first := os.fork():  # the first process of the new process numbers
        _wait_for(first)
    _end_with_parent()
    _call("mount", "--make-rprivate", "/")
    _call("mount", "-t", "proc", "proc", "/proc")
    socket.sethostname(name)
    if NFS in os.environ:
        _call("ip", "address", "add", f"10.9.{number}.2/24", "dev", "wire")
        _call("ip", "link", "set", "wire", "up")
        exported = "/" if "vers=4" in os.environ[NFS] else os.environ[EXPORT]  # `fsid=0` makes it the root of version 4
        _call("mount.nfs", f"10.9.{number}.1:{exported}", str(SHARED), "-o", os.environ[NFS])
    clock = time.time
    time.time = lambda: clock() + float(ahead)
    sys.argv[:] = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
