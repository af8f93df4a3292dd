"""Training of one run in its folder: start it, resume it, or return its outcome if it is over."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from letterocr.base.errors import UserError
from letterocr.base.threads import limit_threads
from letterocr.config.train import TrainConfig
from letterocr.data.letters import Split
from letterocr.run.display import View
from letterocr.run.folder import locate_folder
from letterocr.run.learning import Learning
from letterocr.run.lock import Lock
from letterocr.run.outcome import Outcome, has_unfinished_run, look_up_outcome, read_outcome
from letterocr.run.rehearsal import load_letters
from letterocr.run.run_page import write_run_page
from letterocr.run.run_view import view_run
from letterocr.run.session import Session, Watch
from letterocr.run.terminal import Terminal

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
NO_FOLDER = (errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


def run(
    config: TrainConfig, live: bool | None = None, folder: Path | None = None, watch: Watch | None = None
) -> Outcome:
    """Train a run or resume it; if the run is over already, return its outcome.

    Args:
        config: config of the run.
        live: whether to show a live view or plain lines; None: a live view if standard output is a terminal.
        folder: the run folder; None: the one that the config names.
        watch: called with the curve about every 0.1 seconds; the run ends early, with a checkpoint, if it returns true.

    Returns:
        The outcome of the run.

    Raises:
        RunningError: another process trains this run.
        UserError: what the user can mend, before any training where it can be known.
    """
    folder = folder or locate_folder(config)
    before = look_up_outcome(config, folder)  # before the letters are read, as that takes time
    if before:
        if config.page:
            write_run_page(view_run(folder))
        return before
    over = os.path.lexists(folder / "result.json")
    with limit_threads(config.threads):
        view = Terminal(config.samples, live, networks=config.replicas)
        split = load_letters(config, view.message)
        with explain_write_errors(folder), Lock(folder) as lock:
            if os.path.lexists(folder / "result.json") and not over:  # another process was faster
                return read_outcome(folder)
            (folder / "failure.json").unlink(missing_ok=True)
            resume = has_unfinished_run(config, folder) and config.resume == "true"
            return Session(config, folder, split, resume, lock).train(view, watch)


def iterate_run(
    config: TrainConfig, folder: Path, split: Split, view: View, every: int | None = None
) -> Generator[Learning, None, None]:
    """Train a run in its folder or resume it, one stretch of samples at each step.

    If the generator is closed before the end of the run, it writes a checkpoint.

    Args:
        config: config of the run, already checked.
        folder: the run folder.
        split: training and test letters.
        view: shows the run.
        every: samples of a stretch, as in `Learning`.

    Yields:
        The run in memory, always the same object: at its start, after each stretch, and when its result is written.

    Raises:
        RunningError: another process trains this run.
        UserError: what the user can mend, before any training where it can be known.
    """
    with explain_write_errors(folder), Lock(folder) as lock:
        (folder / "failure.json").unlink(missing_ok=True)
        resume = has_unfinished_run(config, folder) and config.resume == "true"
        session = Session(config, folder, split, resume, lock, every)
        yield session.learning
        with closing(session.iterate(view)) as stretches:
            for _ in stretches:
                yield session.learning
        yield session.learning


@contextmanager
def explain_write_errors(folder: Path) -> Iterator[None]:
    """Raise UserError in place of an OSError if the file system refuses a write inside the block.

    Args:
        folder: the run folder, for the message.

    Raises:
        UserError: the disk is full, or the folder can't be made or written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL + FORBIDDEN + NO_FOLDER:
            raise
        full = "the files written so far are whole; make room, then give the command again with resume=true"
        mend = full if error.errno in FULL else "take another output="
        raise UserError(f"{folder} can't be written ({os.strerror(error.errno)}): {mend}.") from error
