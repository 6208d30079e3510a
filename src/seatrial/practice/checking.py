"""A task on trial: recorded as a script's training is, tried, judged."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Literal, TypeAlias

from seatrial.config import Config
from seatrial.events import Event, NotLookedAt, SchedulerBuilt
from seatrial.history import Run
from seatrial.launch.folder import prepare
from seatrial.launch.settings import settings
from seatrial.practice.display import Display
from seatrial.practice.outcome import Check
from seatrial.practice.recording import recorded, source_of
from seatrial.practice.refusal import refused, shown
from seatrial.practice.task import Task
from seatrial.practice.training import SEED, evaluate, train
from seatrial.practice.trying import try_out
from seatrial.practice.unchanged import seed, unchanged
from seatrial.record import NAME, Recorder, read
from seatrial.report import write
from seatrial.taps import apart
from seatrial.trials import Extent, Material, conduct, usual_device
from seatrial.verdict import judge

Extents: TypeAlias = Literal["full", "quick", "off"]
EXTENTS: tuple[Extents, ...] = ("full", "quick", "off")
# Trials may take so long together: a check is something to wait for.
TRIAL_SECONDS = 18.0


def check(
    task: Task,
    *,
    trials: Extents = "full",
    out: str | os.PathLike[str] | None = None,
    progress: bool = True,
    source: bool = True,
) -> Check:
    """Put a task on trial: train it for some dozen steps, make experiments on what was recorded, judge.

    Nothing that the caller has is changed: the model, the data, the random numbers, torch.

    Args:
        task: what to try.
        trials: full; quick: those that train nothing; off: none.
        out: folder for findings.json, report.html and the record; one among the temporary files if nothing is given.
        progress: whether to show what is going on.
        source: whether reports may quote lines of source.

    Raises:
        UsageProblem: the task, a setting or the folder is not what it should be.
    """
    if not isinstance(task, Task):  # pyright: ignore[reportUnnecessaryIsInstance]  # people try
        hint = "Describe it first: seatrial.check(seatrial.Task(Net, loss, train_data))."
        raise refused("a Task", shown(task), "no-task", hint)
    if trials not in EXTENTS:
        raise refused(f"trials as one of {', '.join(EXTENTS)}", repr(trials), "no-such-extent", "full is usual.")
    file, text = source_of(task)
    config = settings(file, text)

    def examine() -> Check:
        with unchanged():
            seed(SEED)
            try_out(task)
            folder = prepare(Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="seatrial-")))
            with Display(progress) as display, contextlib.closing(Recorder(folder / NAME)) as recorder:
                _on_trial(task, trials, recorder, config, display, file)
            verdict = judge(read(folder / NAME), config)
            outcome = Check(verdict, folder, config, source)
            write(outcome.shown, folder)  # libraries draw random numbers while they are imported
        return outcome

    return apart(examine)


def _on_trial(task: Task, trials: Extents, recorder: Recorder, config: Config, display: Display, file: str) -> None:
    """Record the task's training, then the trials."""
    with recorded(recorder, task, file, _heard, config.budget.looks) as watch:
        task.at("", lambda: seed(SEED))
        made = task.make()
        train(task, made, display.step)
        evaluate(task, made)
    del made

    def so_far() -> Run:
        recorder.flush()
        return Run.of(read(recorder.path))

    seconds = TRIAL_SECONDS if config.budget.trials is None else config.budget.trials
    given = Extent(trials if seconds else "off", seconds, display.tell, task.fresh, whole=True)
    try:
        with usual_device():
            for event in conduct(Material.of(watch), so_far, config, given):
                recorder.send(event)
    except Exception as error:  # a failure of ours: what was found until then still counts
        recorder.send(NotLookedAt("the rest of the trials", f"{type(error).__name__}: {error}", trial=True))


def _heard(event: Event) -> Event:
    if isinstance(event, SchedulerBuilt):
        return NotLookedAt(f"the schedule {event.type}", "a check makes only the first steps of its plan")
    return event
