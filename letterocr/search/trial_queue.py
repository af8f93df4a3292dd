"""Where workers get their trials and hand them back: an Optuna study in one journal file that all of them share.

Asking happens under a lock, so that N workers together begin as many trials as were asked for, and no more. A trial
whose worker is dead is failed and queued again with the same values: its run folder goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from letterocr.base.heartbeat import Presence
from letterocr.search.plan import Plan

if TYPE_CHECKING:
    from optuna.storages.journal import JournalStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

STUDY = "search"  # its name in the journal
RETRIES = 3  # of a trial whose worker died: the trial itself may be what kills workers
STARTUP = 5  # whole trials before any is pruned
WARM = 0.1  # of the samples, before which none is pruned


def open_study(folder: Path, samples: int = 0) -> Study:
    """The study of a folder, made if it is not there.

    Its journal is locked by a file opened exclusively, which works on NFS version 3 and later. Trials are pruned whose
    best error so far is above the median of the others' errors at the same sample (Golovin et al. 2017).
    """
    return _open_study(_open_journal(folder), samples)


def _open_journal(folder: Path) -> JournalStorage:
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

    path = str(folder.resolve() / "journal.log")
    return JournalStorage(JournalFileBackend(path, JournalFileOpenLock(path)))


def _open_study(journal: JournalStorage, samples: int) -> Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=int(WARM * samples))
    return optuna.create_study(storage=journal, study_name=STUDY, pruner=pruner, load_if_exists=True)


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """At most one worker at a time; a lock that a killed worker left is taken after 30 seconds."""
    from optuna.storages.journal import JournalFileOpenLock

    lock = JournalFileOpenLock(str(folder.resolve() / "ask"))
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_counted(trial: FrozenTrial) -> bool:
    """Whether it is one of the trials asked for: not one that waits, nor one that another takes the place of."""
    return trial.state.name != "WAITING" and not trial.user_attrs.get("given_back")


class TrialQueue:
    """One worker's access to the study.

    Args:
        folder: of the study.
        plan: of the study.
        presence: of this worker.
        samples: of each run.
    """

    def __init__(self, folder: Path, plan: Plan, presence: Presence, samples: int) -> None:
        with hold_lock(folder):
            self.journal = _open_journal(folder)
            self.study = _open_study(self.journal, samples)
        self.folder, self.plan, self.presence = folder, plan, presence
        self.distributions = {name: values.make_distribution() for name, values in plan.space.items()}

    def take(self, trials: int) -> Trial | None:
        """A new trial, or one whose worker died; None where that many are done or under way."""
        from optuna.samplers import TPESampler

        with hold_lock(self.folder):
            self._reap()
            known = self.study.get_trials(deepcopy=False)
            if sum(map(is_counted, known)) >= trials:
                return None
            # Its own seed for each number: a study that goes on with one worker draws what an uninterrupted one draws.
            self.study.sampler = TPESampler(seed=(self.plan.seed * 1_000_003 + len(known)) % 2**32)
            trial = self.study.ask(self.distributions)
            trial.set_user_attr("worker", self.presence.name)
            return trial

    def give_back(self, trial: FrozenTrial | Trial, reason: str, lost: bool = False) -> None:
        """Fail an unfinished trial and queue its values again.

        Args:
            trial: it.
            reason: in words.
            lost: its worker died, which counts as one of its retries.
        """
        from optuna.trial import TrialState

        retries = trial.user_attrs.get("retries", 0) + lost
        again = retries <= RETRIES
        self.note(trial, "reason", reason if again else f"{reason}, {retries} times")
        self.note(trial, "given_back", again)
        if again:  # first, so that no moment has neither of the two
            self.study.enqueue_trial(trial.params, user_attrs={"retries": retries, "again": trial.number})
        self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def note(self, trial: FrozenTrial | Trial, name: str, value: Any) -> None:
        """Note a fact about an unfinished trial, of this worker or of another."""
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
            else:  # killed while it asked
                self.note(trial, "given_back", True)
                self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def has_running_trials(self) -> bool:
        """Whether trials are under way; asked between two of its own, those of other workers."""
        return bool(self._list_running())

    def is_trained_already(self, trial: Trial, run: str) -> bool:
        """Whether an earlier trial that is under way trains the same run."""
        return any(other.number < trial.number and other.user_attrs.get("run") == run for other in self._list_running())
