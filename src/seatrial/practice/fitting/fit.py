"""`fit`: train a task, watched, and leave its checkpoints, its history and a report."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from seatrial.config import Config
from seatrial.errors import UsageProblem
from seatrial.files import replace
from seatrial.launch.folder import prepare
from seatrial.launch.settings import settings as configuration
from seatrial.practice.fitting.checkpoints import BEST, STATE, clear, load_state, load_weights, trained_model
from seatrial.practice.fitting.devices import Machine, machine
from seatrial.practice.fitting.display import Display
from seatrial.practice.fitting.history import Epoch, History
from seatrial.practice.fitting.interruption import Interruption, Terminated
from seatrial.practice.fitting.looking import look
from seatrial.practice.fitting.order import steps_each
from seatrial.practice.fitting.preparing import found_rate, prepared
from seatrial.practice.fitting.settings import FOUND, LOSS, Settings
from seatrial.practice.fitting.subset import subset
from seatrial.practice.fitting.training import Training
from seatrial.practice.optimizers.kinds import with_optimizer
from seatrial.practice.reading import Reading, readings
from seatrial.practice.recording import recorded, source_of
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task
from seatrial.practice.trying import try_out
from seatrial.practice.unchanged import seed, unchanged
from seatrial.record import NAME, Recorder, read
from seatrial.report import write
from seatrial.report.json import strict
from seatrial.report.readings import FILE as READING
from seatrial.taps import apart
from seatrial.verdict import Verdict, judge

HISTORY = "history.json"


@dataclass(frozen=True)
class Fit:
    """A training that has ended. `ending`: why it could not go on; "" where it went to its end. `readings`: what its curves say.
    `is_first`: whether this process speaks for all."""

    folder: Path
    history: History
    verdict: Verdict
    ending: str = ""
    readings: tuple[Reading, ...] = ()
    is_first: bool = True

    @property
    def weights(self) -> Path:
        """Those of the best epoch.

        Raises:
            UsageProblem: no epoch came to its end.
        """
        self.best  # noqa: B018  # there is one
        return self.folder / BEST

    @property
    def best(self) -> Epoch:
        """The best epoch.

        Raises:
            UsageProblem: none came to its end.
        """
        if not self.history.best:
            raise UsageProblem(
                f"Expected a training with at least one epoch, found none. {self.ending}",
                "fit-no-epoch",
                f"Look at {self.folder / 'report.html'}.",
            )
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
    check_choice(task, settings.choose)
    config = configuration(*source_of(task))
    with unchanged(), machine(settings, task.batch_size) as devices, Interruption() as interruption:
        saved = load_state(out) if resume else None
        folder = _folder(out, resume, devices)
        seed(settings.seed)
        try_out(task)
        display = Display(progress and devices.is_first, settings)
        try:
            training, said = _trained(task, folder, settings, config, rate, saved, devices, display, interruption)
        except Terminated:
            signal.raise_signal(signal.SIGTERM)
            raise
        devices.wait()  # until the report is written
        verdict = judge(read(folder / NAME), config)
        return Fit(folder, training.history, verdict, training.ending, said, devices.is_first)


def check_choice(task: Task, choose: str) -> None:
    """Refuse to choose by what the task does not measure.

    Raises:
        UsageProblem: it is neither the loss nor a metric.
    """
    known = [LOSS, *task.metrics]
    if choose not in known:
        hint = "Give one of these, or add the metric to the task."
        raise refused(f"choose as one of {', '.join(known)}", repr(choose), "fit-choose", hint)


def _folder(out: Path, resume: bool, devices: Machine) -> Path:
    """The folder, ready. What an earlier training left in it goes, unless that is to go on."""
    if devices.is_first:
        prepare(out, kept=(STATE,) if resume else ())
        (out / READING).unlink(missing_ok=True)  # it will have to be read anew
        if not resume:
            clear(out)
    devices.wait()
    return out.resolve()


def _trained(
    task: Task,
    folder: Path,
    settings: Settings,
    config: Config,
    rate: float,
    saved: dict[str, Any] | None,
    devices: Machine,
    display: Display,
    interruption: Interruption,
) -> tuple[Training, tuple[Reading, ...]]:
    """The training at its end, and what its curves say. What was seen is reported, also until an interruption or a failure."""
    file, _ = source_of(task)
    said: list[Reading] = []
    with contextlib.ExitStack() as at_end, display, _watched(folder, task, file, devices, config):
        task.at("", lambda: seed(settings.seed))
        data = subset(task, settings.subset, settings.seed)
        steps = settings.epochs * steps_each(task, data)
        made = prepared(task, task.make(), rate, settings.schedule, steps)
        if devices.share.rank:  # the same model everywhere, but noise of its own
            seed(settings.seed + devices.share.rank)
        planned = steps if task.is_planned(settings.schedule) else 0
        training = Training(task, made, data, folder, settings, devices, planned)
        if saved is not None:
            training.restore(saved)
        if devices.is_first:
            at_end.callback(lambda: _write(config, training.history, folder))
        try:
            if saved is None:
                training.save(0.0)
            training.run(display.told, interruption)
        except KeyboardInterrupt:
            display.interrupted(training.history, training.batch, folder)
            raise
        display.end(training.history, training.ending)
        if devices.is_first:
            at_end.callback(lambda: said.extend(_read(training)))  # unwatched, and before the report
    return training, tuple(said)


def _read(training: Training) -> tuple[Reading, ...]:
    """What the curves say, told in a file too. The model has the weights of the best epoch afterwards."""
    if training.ending or not training.history.best:
        return ()
    load_weights(training.bare.model, training.folder / BEST)
    curves = look(training.task, training.bare, training.data, training.history, training.settings, training.machine)
    found = readings(curves)
    told = {"readings": [asdict(each) for each in found], "curves": asdict(curves)}
    replace(training.folder / READING, json.dumps(strict(told), indent=1, allow_nan=False).encode())
    return found


def _write(config: Config, history: History, folder: Path) -> None:
    write(judge(read(folder / NAME), config), folder)
    epochs = [asdict(each) for each in history.epochs]
    replace(folder / HISTORY, json.dumps(strict(epochs), indent=1, allow_nan=False).encode())


@contextlib.contextmanager
def _watched(folder: Path, task: Task, file: str, machine: Machine, config: Config) -> Generator[None]:
    """What happens within is watched and recorded, by the first process for all."""
    if not machine.is_first:
        yield
        return
    with (
        contextlib.closing(Recorder(folder / NAME)) as recorder,
        recorded(recorder, task, file, looks=config.budget.looks),
    ):
        yield


def best_model(task: Task, done: Fit) -> torch.nn.Module:
    """The task's model with the weights of the best epoch, in evaluation mode."""
    return trained_model(task, done.weights)
