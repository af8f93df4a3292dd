"""Worker of a search: one process that takes trials and trains them until the number asked for is done."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from letterocr.base.errors import UserError
from letterocr.base.files import write_json
from letterocr.base.heartbeat import Presence
from letterocr.base.signals import StoppedError
from letterocr.run.curve import Curve, read_curve
from letterocr.run.folder import locate_folder
from letterocr.run.outcome import Outcome
from letterocr.run.training import run
from letterocr.search.plan import RUNS, WORKERS, label_trial, read_plan
from letterocr.search.trial_queue import TrialQueue

if TYPE_CHECKING:
    from optuna.trial import Trial

LOOK_SECONDS = 0.5  # interval at which a worker checks what the others do
RUNGS = 14  # number of test errors that a run reports, each a write to the shared journal
RUNG_FACTOR = 2**0.5  # ratio of samples between two reports


def list_rungs(samples: int) -> list[int]:
    """Return the numbers of samples at which a run reports its test error: evenly spaced logarithms, the end included.

    Example:
        >>> list_rungs(128)
        [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128]
    """
    return sorted({max(1, round(samples / RUNG_FACTOR**k)) for k in range(RUNGS)})


class Reporter:
    """Reports a trial's test errors to its study during the run.

    Args:
        trial: the trial.
        samples: number of samples of the whole run.
    """

    def __init__(self, trial: Trial, samples: int) -> None:
        self.trial, self.left = trial, list_rungs(samples)

    def __call__(self, curve: Curve) -> bool:
        """Report the new test errors of the curve; return whether the trial should stop, as the others are better."""
        if not self.left or curve.sample < self.left[0]:
            return False
        samples, errors = curve.measured()
        return any(self.report(samples, np.median(errors, axis=1), curve.sample))

    def report(self, samples: np.ndarray, errors: np.ndarray, learned: int) -> Iterator[bool]:
        """Report the newest measured error at each rung up to `learned`; yield at each whether the trial should stop.

        Args:
            samples: [m], samples learned at each measurement.
            errors: [m], test errors.
            learned: number of samples learned so far.
        """
        while self.left and self.left[0] <= learned:
            rung = self.left.pop(0)
            self.trial.report(float(errors[np.searchsorted(samples, rung, "right") - 1]), rung)
            yield self.trial.should_prune()


def train_trial(queue: TrialQueue, trial: Trial, threads: int, log: Path) -> Outcome:
    """Train the run of a trial, or look up its earlier outcome.

    Args:
        queue: the queue of the study.
        trial: the trial.
        threads: CPU threads of the run; 0 as the plan says.
        log: file that receives what the run prints.
    """
    config = queue.plan.make_config(queue.folder, trial.params, threads)
    folder = locate_folder(config)
    trial.set_user_attr("run", folder.name)
    while queue.is_trained_already(trial, folder.name):
        time.sleep(LOOK_SECONDS)
        queue.reap()
    reporter = Reporter(trial, config.samples)
    with log.open("a", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        print(f"\ntrial {trial.number}: {trial.params}")
        outcome = run(config, live=False, watch=reporter)
    if outcome.status == "finished":
        samples, errors = read_curve(outcome.folder)
        list(reporter.report(samples, np.median(errors, axis=1), config.samples))
    return outcome


def _run_trial(queue: TrialQueue, trial: Trial, threads: int, say: Callable[[str], None]) -> int:
    """Train one trial and report its outcome to the study; return the signal that ended it, or 0."""
    from optuna.trial import TrialState

    log = queue.presence.folder / f"{queue.presence.name}.log"
    try:
        outcome = train_trial(queue, trial, threads, log)
    except StoppedError as stopped:
        queue.give_back(trial, str(stopped))
        raise
    except UserError as error:
        _fail(queue, trial, str(error))
        raise
    except Exception as error:  # the failure of one trial does not end the search
        _fail(queue, trial, f"{type(error).__name__}: {error}")
        say(f"trial {trial.number} failed: {type(error).__name__}: {error}")
        return 0
    if outcome.status == "stopped":
        queue.give_back(trial, "stopped by a signal")
        return outcome.signal
    if outcome.status == "pruned":
        queue.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
    else:
        queue.study.tell(trial, outcome.error, skip_if_finished=True)
    ended = "diverged" if outcome.status == "diverged" else f"{100 * outcome.error:.1f} %"
    early = ", stopped early" if outcome.status == "pruned" else ""
    say(f"trial {trial.number}: {ended}{early} ({label_trial(trial.params)})")
    return outcome.signal


def _fail(queue: TrialQueue, trial: Trial, reason: str) -> None:
    from optuna.trial import TrialState

    queue.note(trial, "reason", reason)
    queue.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
    run_name = trial.user_attrs.get("run")
    if run_name:
        failure = {"name": run_name, "reason": reason}
        with contextlib.suppress(OSError):
            write_json(queue.folder / RUNS / run_name / "failure.json", failure)


def _say(line: str) -> None:
    print(line, flush=True)


def work(folder: Path, trials: int, threads: int = 0, say: Callable[[str], None] = _say) -> int:
    """Take trials until the number asked for is done by all workers together; return the signal that ended it, or 0.

    A worker without a trial waits for the others, and takes over their trials if they die.

    Args:
        folder: folder of the study.
        trials: number of trials in the whole study.
        threads: CPU threads of each run; 0 as the plan says.
        say: prints one line for each trial.

    Raises:
        UserError: a mistake that the user can mend.
        StoppedError: a signal came while no run was training.
    """
    from optuna.exceptions import UpdateFinishedTrialError

    plan = read_plan(folder)
    samples = plan.make_config(folder, {name: values.list_ends()[0] for name, values in plan.space.items()}).samples
    with Presence(folder / WORKERS) as presence:
        queue = TrialQueue(folder, plan, presence, samples)
        while True:
            trial = queue.take(trials)
            if trial is not None:
                try:
                    if number := _run_trial(queue, trial, threads, say):
                        return number
                except UpdateFinishedTrialError:
                    say(f"trial {trial.number} was taken over by another worker, which thought that this one was dead.")
            elif queue.has_running_trials():
                time.sleep(LOOK_SECONDS)
            else:
                break
    from letterocr.search.study_page import write_report

    write_report(folder)
    return 0
