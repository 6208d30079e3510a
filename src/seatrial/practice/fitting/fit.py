"""`fit`: train a task, watched, and leave its checkpoints, its history and a report."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from seatrial.launch.folder import prepare
from seatrial.launch.settings import settings as configuration
from seatrial.practice.fitting.checkpoints import BEST, STATE, load_state
from seatrial.practice.fitting.devices import Machine
from seatrial.practice.fitting.display import Display
from seatrial.practice.fitting.history import Epoch, History
from seatrial.practice.fitting.order import steps_each
from seatrial.practice.fitting.preparing import found_rate, prepared
from seatrial.practice.fitting.settings import FOUND, Settings
from seatrial.practice.fitting.subset import subset
from seatrial.practice.fitting.training import Training
from seatrial.practice.optimizers.kinds import with_optimizer
from seatrial.practice.recording import recorded, source_of
from seatrial.practice.task import Task
from seatrial.practice.trying import try_out
from seatrial.practice.unchanged import seed, unchanged
from seatrial.record import NAME, Recorder, read
from seatrial.report import write
from seatrial.taps import apart
from seatrial.verdict import Verdict, judge

HISTORY = "history.json"


@dataclass(frozen=True)
class Fit:
    """A training that has ended. `weights`: those of the best epoch."""

    folder: Path
    history: History
    verdict: Verdict

    @property
    def weights(self) -> Path:
        return self.folder / BEST

    @property
    def best(self) -> Epoch:
        """The best epoch."""
        return self.history.epochs[self.history.best - 1]


def fit(task: Task, out: Path, settings: Settings | None = None, *, resume: bool = False, progress: bool = True) -> Fit:
    """Train a task. Random numbers and torch's modes are afterwards what they were before.

    Args:
        task: what is trained. Its vault, if it has one, stays shut.
        out: the folder for checkpoints, history, record and report.
        settings: how.
        resume: go on with the training in `out`, as if it had not been interrupted.
        progress: whether to show what is going on.

    Raises:
        UsageProblem: the task, a setting or the folder is not what it should be, or the task's own code fails.
    """
    chosen = settings or Settings()
    used = with_optimizer(task, chosen.optimizer)
    rate = chosen.rate if isinstance(chosen.rate, float | int) else 0.0
    if chosen.rate == FOUND and not resume:  # else it is in the saved state
        rate = found_rate(used, chosen, progress)
    return apart(lambda: _fit(used, out, chosen, rate, resume, progress))


def _fit(task: Task, out: Path, settings: Settings, rate: float, resume: bool, progress: bool) -> Fit:
    file, text = source_of(task)
    config = configuration(file, text)
    with unchanged():
        saved = load_state(out) if resume else None
        machine = Machine(settings)
        folder = out.resolve() if not machine.is_first else prepare(out, kept=(STATE,) if resume else ())
        machine.wait()
        seed(settings.seed)
        try_out(task)
        with Display(progress and machine.is_first, settings) as display, _watched(folder, task, file, machine):
            task.at("", lambda: seed(settings.seed))
            data = subset(task, settings.subset, settings.seed)
            steps = settings.epochs * steps_each(task, data)
            made = prepared(task, task.make(), rate, settings.schedule, steps)
            if machine.share.rank:  # the same model everywhere, but noise of its own
                seed(settings.seed + machine.share.rank)
            planned = steps if task.is_planned(settings.schedule) else 0
            training = Training(task, made, data, folder, settings, machine, planned)
            if saved is not None:
                training.restore(saved)
            training.run(display.told)
            display.end(training.history)
        history = training.history
        verdict = judge(read(folder / NAME), config)
        if machine.is_first:
            write(verdict, folder)
            (folder / HISTORY).write_text(json.dumps([asdict(each) for each in history.epochs], indent=1))
    return Fit(folder, history, verdict)


@contextlib.contextmanager
def _watched(folder: Path, task: Task, file: str, machine: Machine) -> Generator[None]:
    """What happens within is watched and recorded, by the first process for all."""
    if not machine.is_first:
        yield
        return
    with contextlib.closing(Recorder(folder / NAME)) as recorder, recorded(recorder, task, file):
        yield


def best_model(task: Task, done: Fit) -> torch.nn.Module:
    """The task's model with the weights of the best epoch, in evaluation mode."""
    from seatrial.practice.fitting.checkpoints import load_weights

    model = task.make().model
    load_weights(model, done.weights)
    return model.eval()
