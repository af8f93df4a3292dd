"""Queue of trials: an Optuna study in one journal file, which all workers share.

A worker asks for a trial under a lock, so that N workers together start as many trials as were asked for, and no more.
The trial of a dead worker is marked as failed and queued again with the same values; its run then continues from its
checkpoint.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.errors import UserError
from letterocr.base.files import flush_folders
from letterocr.base.heartbeat import Presence
from letterocr.base.owner import is_of_an_earlier_boot
from letterocr.search.plan import Plan

if TYPE_CHECKING:
    from optuna.storages.journal import JournalFileOpenLock, JournalStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

JOURNAL = "journal.log"
STUDY = "search"  # name of the study in the journal
LEFT_SECONDS = 30  # age at which Optuna itself takes a lock of its own over
RETRIES = 3  # how often a trial is repeated whose worker died: the trial itself may kill workers
STARTUP = 5  # whole trials before any trial is pruned
WARM = 0.1  # share of the samples before which no trial is pruned


def open_study(folder: Path, samples: int = 0) -> Study:
    """Open the study of a folder, or make it.

    Its journal is locked by a file that is opened exclusively, which works on NFS version 3 and later. A trial is
    pruned if its best error so far is above the median of the others' errors at the same sample (Golovin et al. 2017).

    Args:
        folder: folder of the study.
        samples: number of samples of each run.
    """
    return _open_study(folder, _open_journal(folder), samples)


def _open_journal(folder: Path) -> JournalStorage:
    """Read the journal of a folder, or make it.

    Raises:
        UserError: it is damaged.
    """
    from optuna.storages.journal import JournalFileBackend, JournalStorage

    path = str(folder.resolve() / JOURNAL)
    with _refuse_damage(folder):
        return JournalStorage(JournalFileBackend(path, _make_lock(path)))


@contextlib.contextmanager
def _refuse_damage(folder: Path) -> Iterator[None]:
    """Say in one sentence that a journal is damaged; Optuna raises errors of every kind where it reads one."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, RuntimeError) as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(
            f"{folder / JOURNAL} is damaged ({what}): put a copy of it back, or begin the search in another folder."
        ) from error


def _make_lock(path: str) -> JournalFileOpenLock:
    from optuna.storages.journal import JournalFileOpenLock

    class Lock(JournalFileOpenLock):
        """Optuna's lock; NFS may report that its release failed although it was done."""

        def release(self) -> None:
            with contextlib.suppress(RuntimeError):
                super().release()

    return Lock(path)


def _mend_journal(folder: Path) -> None:
    """Cut off what a power failure left of the last lines: Optuna would append to it, and then read nothing at all."""
    path = folder.resolve() / JOURNAL
    with hold_lock(folder, JOURNAL):
        path.touch()
        lines = path.read_bytes().splitlines(keepends=True)
        whole = len(lines)
        while whole and not _is_whole(lines[whole - 1]):
            whole -= 1
        if whole < len(lines):
            os.truncate(path, sum(map(len, lines[:whole])))
        flush_folders([path])


def _drop_left_locks(folder: Path, now: float) -> None:
    """Remove locks that a killed worker or a power failure left: Optuna itself would watch each for 30 seconds first.

    Args:
        folder: folder of the study.
        now: the time by the clock of its file system.
    """
    for name in ("ask", JOURNAL):
        path = folder.resolve() / name
        with contextlib.suppress(FileNotFoundError):
            silent = abs(now - Path(f"{path}.lock").stat().st_mtime)
            if silent > LEFT_SECONDS or is_of_an_earlier_boot(None, silent):
                _make_lock(str(path)).release()


def _is_whole(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _open_study(folder: Path, journal: JournalStorage, samples: int) -> Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=int(WARM * samples))
    with _refuse_damage(folder):
        return optuna.create_study(storage=journal, study_name=STUDY, pruner=pruner, load_if_exists=True)


@contextlib.contextmanager
def hold_lock(folder: Path, name: str = "ask") -> Iterator[None]:
    """Let at most one worker at a time pass; a lock that a killed worker left is taken after 30 seconds.

    Args:
        folder: folder of the study.
        name: name of what is locked; Optuna itself locks the journal by its file's name.
    """
    lock = _make_lock(str(folder.resolve() / name))
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_counted(trial: FrozenTrial) -> bool:
    """Return whether the trial is one of the trials asked for: neither waiting nor replaced by another trial."""
    return trial.state.name != "WAITING" and not trial.user_attrs.get("given_back")


class TrialQueue:
    """One worker's access to the study.

    Args:
        folder: folder of the study.
        plan: plan of the study.
        presence: heartbeat of this worker.
        samples: number of samples of each run.
    """

    def __init__(self, folder: Path, plan: Plan, presence: Presence, samples: int) -> None:
        _drop_left_locks(folder, presence.path.stat().st_mtime)
        with hold_lock(folder):
            _mend_journal(folder)
            self.journal = _open_journal(folder)
            self.study = _open_study(folder, self.journal, samples)
        self.folder, self.plan, self.presence = folder, plan, presence
        self.distributions = {name: values.make_distribution() for name, values in plan.space.items()}

    def take(self, trials: int) -> Trial | None:
        """Take a new trial, or one whose worker died.

        Args:
            trials: number of trials in the whole study.

        Returns:
            The trial; None if so many trials are done or running.
        """
        from optuna.samplers import TPESampler

        with hold_lock(self.folder):
            self._reap()
            known = self.study.get_trials(deepcopy=False)
            counted = sum(map(is_counted, known))
            if counted >= trials:
                return None
            # Each trial has its own seed: a study that one worker resumes draws the values of an uninterrupted one.
            self.study.sampler = TPESampler(seed=(self.plan.seed * 1_000_003 + counted) % 2**32)
            with _refuse_damage(self.folder):  # earlier trials have other kinds of values
                trial = self.study.ask(self.distributions)
            trial.set_user_attr("worker", self.presence.name)
            return trial

    def give_back(self, trial: FrozenTrial | Trial, reason: str, lost: bool = False) -> None:
        """Mark an unfinished trial as failed, and queue its values again.

        Args:
            trial: the trial.
            reason: why it is unfinished, in words.
            lost: whether its worker died, which counts as one of the trial's retries.
        """
        from optuna.trial import TrialState

        retries = trial.user_attrs.get("retries", 0) + lost
        again = retries <= RETRIES
        self.note(trial, "reason", reason if again else f"{reason}, {retries} times")
        self.note(trial, "given_back", again)
        if again:  # before the trial fails, so that at every moment one of the two exists
            self.study.enqueue_trial(trial.params, user_attrs={"retries": retries, "again": trial.number})
        self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def note(self, trial: FrozenTrial | Trial, name: str, value: Any) -> None:
        """Note a fact about an unfinished trial of this worker or another.

        Args:
            trial: the trial.
            name: name of the fact.
            value: its value.
        """
        study = self.journal.get_study_id_from_name(STUDY)
        key = self.journal.get_trial_id_from_study_id_trial_number(study, trial.number)
        self.journal.set_trial_user_attr(key, name, value)

    def _list_running(self) -> list[FrozenTrial]:
        from optuna.trial import TrialState

        return self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))

    def reap(self) -> None:
        """Give back the trials of dead workers."""
        with hold_lock(self.folder):
            self._reap()

    def _reap(self) -> None:
        from optuna.trial import TrialState

        for trial in self._list_running():
            worker = trial.user_attrs.get("worker")
            if worker == self.presence.name or (worker and self.presence.is_alive(worker)):
                continue
            if set(trial.params) >= set(self.distributions):
                self.give_back(trial, "its worker died", lost=True)
            else:  # its worker was killed while it asked for the trial
                self.note(trial, "given_back", True)
                self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def has_running_trials(self) -> bool:
        """Return whether trials are running; a worker that trains none itself learns so about the others."""
        return bool(self._list_running())

    def is_trained_already(self, trial: Trial, run: str) -> bool:
        """Return whether an earlier running trial trains the same run.

        Args:
            trial: the trial.
            run: name of its run folder.
        """
        return any(other.number < trial.number and other.user_attrs.get("run") == run for other in self._list_running())
