"""The owner of a file: a process on this machine or on another one."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Owner:
    """A process that works on something that other processes must leave alone meanwhile.

    Attributes:
        host: name of the machine.
        system: identifier of the machine's boot, then that of the process number namespace; empty if unknown.
        pid: process number.
        started: start time of the process in clock ticks; a later process with the same number has another one.
        job: SLURM job id, as `12` or `12_3`; empty outside SLURM.
        restarts: how often SLURM had restarted the job.
        since: date and time at which the process began this work.
    """

    host: str
    system: str
    pid: int
    started: str
    job: str
    restarts: int
    since: str

    def __str__(self) -> str:
        job = f", SLURM job {self.job}" if self.job else ""
        return f"process {self.pid} on {self.host}{job}, since {self.since}"


def _read_text(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
        return file.read().strip()
    return ""


def read_start_time(pid: int) -> str:
    """Read when a process on this machine started, in clock ticks; empty if this can't be known.

    Args:
        pid: process number.
    """
    fields = _read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()  # the name before may hold any characters
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def _identify_system() -> str:
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return _read_text("/proc/sys/kernel/random/boot_id") + space


def read_slurm_job() -> str:
    """Return the id of the SLURM job of this process, as `12` or `12_3`; empty outside SLURM."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID', '')}" if array else os.environ.get("SLURM_JOB_ID", "")


def describe_this_process() -> Owner:
    """Return this process as an owner."""
    return Owner(
        host=socket.gethostname(),
        system=_identify_system(),
        pid=os.getpid(),
        started=read_start_time(os.getpid()),
        job=read_slurm_job(),
        restarts=int(os.environ.get("SLURM_RESTART_COUNT") or 0),
        since=time.strftime("%Y-%m-%d %H:%M:%S"),
    )


def read_uptime() -> float:
    """Return the seconds since this machine was started, also those for which it was suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def is_of_an_earlier_boot(owner: Owner | None, silent: float) -> bool:
    """Return whether this machine was started again since the owner last gave a sign, so that it cannot be alive.

    Another machine of the same name has another boot too, but an owner that is alive there has given a sign since.

    Args:
        owner: the owner; None if it can't be read, as what was not flushed before a power failure.
        silent: seconds since it last gave a sign.
    """
    if silent <= read_uptime():
        return False
    if owner is None:
        return True
    boot, now = (system.partition("pid:")[0] for system in (owner.system, _identify_system()))
    return owner.host == socket.gethostname() and "" not in (boot, now) and boot != now


def is_here(owner: Owner) -> bool:
    """Return whether the owner is on this machine and in this process number namespace."""
    return (owner.host, owner.system) == (socket.gethostname(), _identify_system())


def is_running(owner: Owner) -> bool:
    """Return whether the process of an owner on this machine still runs."""
    if owner.started:
        return read_start_time(owner.pid) == owner.started
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_earlier_start_of_this_job(owner: Owner) -> bool:
    """Return whether the owner belongs to this SLURM job, before SLURM restarted it."""
    here = describe_this_process()
    return bool(owner.job) and owner.job == here.job and owner.restarts < here.restarts
