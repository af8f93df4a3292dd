"""Checks of `letterocr doctor`: whether machine and cluster have what runs and sweeps need.

Each check returns ok, warning (it works, but less well) or failed, with what was found and how to mend it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from letterocr.base.home import find_cache_folder
from letterocr.sweep import slurm

OK, WARNING, FAILED = "ok", "warning", "failed"
ROOM_BYTES = 1e9  # least free space without a warning
TEST_BYTES = 8_000_000  # size of the file that the disk check writes


@dataclass(frozen=True)
class CheckResult:
    """Result of a check.

    Attributes:
        name: name of the check.
        state: ok, warning or failed.
        text: what was found, and how to mend it if something is wrong.
    """

    name: str
    state: str
    text: str


def run_check(name: str, check: Callable[[], tuple[str, str]]) -> CheckResult:
    """Run a check; it has failed if it raises an exception.

    Args:
        name: name of the check.
        check: returns state and text.
    """
    try:
        return CheckResult(name, *check())
    except Exception as error:
        return CheckResult(name, FAILED, " ".join(f"{type(error).__name__}: {error}".split()))


def check_device() -> tuple[str, str]:
    """Find the device that device=auto uses."""
    import torch

    if not torch.cuda.is_available():
        return OK, f"PyTorch {torch.__version__} on the CPU; it finds no CUDA GPU"
    from letterocr.engine.gpu.requirements import explain_old_gpu

    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    total = float(torch.ones(8, device="cuda").sum())  # fails where the driver is too old
    if total != 8:
        return FAILED, "the GPU gives wrong sums: check its driver"
    missing = explain_old_gpu()
    return WARNING if missing else OK, " ".join([f"PyTorch {torch.__version__}, {', '.join(names)}", missing]).strip()


def check_threads() -> tuple[str, str]:
    """Count the cores that this process may use, and check whether other processes use them."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    text = f"{cores} cores, load {load:.1f}"
    limit = os.environ.get("OMP_NUM_THREADS", "")
    if limit.isdecimal() and int(limit) < cores:
        return WARNING, f"{text}; OMP_NUM_THREADS={limit} lets PyTorch use fewer: unset it, or give threads={limit}"
    if load > cores + 0.5:
        return WARNING, f"{text}: other processes use the cores, so that runs are slower; give a smaller threads="
    return OK, text


def check_letters() -> tuple[str, str]:
    """Check whether data=emnist has its file."""
    from letterocr.data.emnist import list_places

    paths = list_places()
    there = [path for path in paths if path.is_file()]
    if there:
        return OK, f"data=emnist reads {there[0]}"
    if not paths:
        return WARNING, "there is no home folder, so data=emnist needs data.path=FILE; the other letters need nothing"
    return WARNING, f"data=emnist has no file yet and will download it; or put emnist.zip at {paths[0]}"


def check_disk(folder: Path) -> tuple[str, str]:
    """Check free space and speed where runs are written, and whether files can be renamed and linked there.

    Args:
        folder: folder of the run folders; it need not exist.
    """
    top = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not top.is_dir():
        return FAILED, f"{top} is not a folder: take another output="
    test = top / f".letterocr-doctor.{os.getpid()}"
    renamed, linked = test.with_suffix(".renamed"), test.with_suffix(".linked")
    try:
        start = time.perf_counter()
        with open(test, "wb") as file:
            file.write(os.urandom(TEST_BYTES))
            os.fsync(file.fileno())
        speed = TEST_BYTES / (time.perf_counter() - start)
        test.replace(renamed)
        if renamed.stat().st_size != TEST_BYTES:
            return FAILED, f"{top} lost part of a file: take another output="
        try:
            os.link(renamed, linked)
            links = ""
        except OSError:
            links = "; it has no hard links, so that a lock takes two steps"
    except OSError as error:
        return FAILED, f"{top} can't be written ({error.strerror}): take another output="
    finally:
        for path in (test, renamed, linked):
            path.unlink(missing_ok=True)
    free = shutil.disk_usage(top).free
    text = f"{top}: {free / 1e9:.1f} GB free, {speed / 1e6:.0f} MB/s with fsync{links}"
    return (OK, text) if free > ROOM_BYTES else (WARNING, f"{text}: make room, or take another output=")


def check_tensorboard() -> tuple[str, str]:
    """Check whether TensorBoard's event files can be written."""
    import tensorboard
    from torch.utils.tensorboard import SummaryWriter  # noqa: F401

    return OK, f"TensorBoard {tensorboard.__version__}"


def check_numba_cache() -> tuple[str, str]:
    """Check whether compiled loops can be kept, so that later runs do not compile them again."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    places: list[Path | None] = [Path(given)] if given else [Path(__file__).parents[1] / "engine" / "__pycache__"]
    places += [] if given else [find_cache_folder("numba")]  # where Numba goes if the first is read-only
    for place in filter(None, places):
        top = next(path for path in (place, *place.absolute().parents) if path.exists())
        if os.access(top, os.W_OK | os.X_OK):
            return OK, f"compiled loops are kept in {place}"
    return WARNING, f"{places[0]} can't be written, so that each run compiles its loops: set NUMBA_CACHE_DIR"


def check_launchers() -> tuple[str, str]:
    """Check whether the launchers of sweeps can be imported."""
    from importlib.metadata import version

    import hydra_plugins.letterocr_launchers  # noqa: F401

    return OK, f"joblib {version('joblib')}, submitit {version('submitit')}"


def run_checks(output: Path, job: bool = False, seconds: float = 120, measure: bool = False) -> Iterator[CheckResult]:
    """Run every check, and yield each result as soon as it is known.

    Args:
        output: folder of the run folders.
        job: whether to submit a SLURM job that is queued again, which takes a while.
        seconds: how long to wait for each step of that job.
        measure: whether to measure how many samples a second this machine learns, which takes some seconds.
    """
    checks: list[tuple[str, Callable[[], tuple[str, str]]]] = [("device", check_device), ("threads", check_threads)]
    checks += [("letters", check_letters), ("disk", lambda: check_disk(output)), ("tensorboard", check_tensorboard)]
    checks += [("numba", check_numba_cache), ("launchers", check_launchers)]
    if measure:
        from letterocr.doctor.speed import check_speed

        checks.append(("speed", check_speed))
    for name, check in checks:
        yield run_check(name, check)
    if not slurm.is_installed("sinfo"):
        yield CheckResult("slurm", FAILED if job else OK, "there is no SLURM here; sweeps run with launcher=local")
        return
    from letterocr.doctor import cluster

    yield run_check("partitions", cluster.check_partitions)
    yield run_check("gpus", cluster.check_gpus)
    if job:
        yield from cluster.check_job(output, seconds)
    else:
        yield CheckResult(
            "job", OK, "not tried; --job submits a job, which also tests the output folder and requeueing"
        )
