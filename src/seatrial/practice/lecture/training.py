"""The stages that train: a first experiment on a subset, the training on all data, and what several trainings say together."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from seatrial.errors import UsageProblem
from seatrial.numbers import counted, decimal, percent
from seatrial.practice.annealing.schedules import KINDS
from seatrial.practice.fitting.checkpoints import STATE
from seatrial.practice.fitting.fit import Fit, fit
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.lecture.choosing import at_rate
from seatrial.practice.lecture.outcome import Outcome
from seatrial.practice.lecture.practice import Practice, validation_groups
from seatrial.practice.task import Task
from seatrial.report.json import without_nan

# A tenth would do for large data; small ones need more to have a batch of each class.
FIRST_SHARE = 0.25
FIRST_EPOCHS = 10
MEMBERS = 4


def first(practice: Practice) -> Outcome:
    """A training on a subset: does anything learn at all?"""
    task = practice.prepared
    if FIRST_SHARE * len(task.train) < 4 * task.batch_size:  # pyright: ignore[reportArgumentType]
        return Outcome((), skipped=f"A subset of {percent(FIRST_SHARE)} would have less than four batches.")
    settings = replace(practice.rated, epochs=min(FIRST_EPOCHS, practice.settings.epochs), subset=FIRST_SHARE)
    done = _fitted(practice, task, "subset", settings)
    # That a training of few epochs was cut short is no news.
    said = [each.sentences for each in done.readings if each.name != "still falling"]
    return Outcome((_told(done), *said), link="subset/report.html", values=_curves(done))


def whole(practice: Practice) -> Outcome:
    """The training on all data; validation chooses the epoch and when to stop."""
    task, settings = practice.chosen
    done = _fitted(practice, task, "train", settings)
    findings = [f"{each.severity}: {each.message}" for each in done.verdict.findings if each.severity != "note"]
    values = {**_curves(done), "weights": str(done.weights)}
    said = [each.sentences for each in done.readings]
    falls = f"The learning rate {KINDS[settings.schedule].words}." if settings.schedule else ""
    return Outcome(tuple(filter(None, (_told(done), falls, *said, *findings))), link="train/report.html", values=values)


def combine(practice: Practice) -> Outcome:
    """Other trainings and classical models beside it, chosen among by validation."""
    if practice.quick:
        return Outcome((), skipped="A quick practice trains one model.")
    from seatrial.practice.ensembles.ensemble import CLASSICAL, SEEDS, ensemble
    from seatrial.practice.ensembles.showing import PICTURE, write
    from seatrial.practice.ensembles.words import sentences

    task, others = beside(*practice.chosen)
    weights = Path(practice.diary.value("train", "weights"))
    try:
        made = ensemble(
            task,
            practice.folder / "ensemble",
            others,
            members=MEMBERS,
            kinds=(SEEDS, CLASSICAL),
            checkpoints=(weights,),
            groups=validation_groups(practice),
            progress=practice.progress,
        )
    except UsageProblem as problem:
        return Outcome((), skipped=f"No ensemble was made: {problem}")
    write(made, made.folder)
    return Outcome(tuple(sentences(made)), values={"ensemble": str(made.folder)}, link=f"ensemble/{PICTURE}")


def beside(task: Task, settings: Settings) -> tuple[Task, Settings]:
    """The task and the settings of the trainings beside the one that counts, from its own: their seeds come after its seed."""
    rate = settings.rate
    fixed = at_rate(task, rate) if isinstance(rate, float) and rate else task
    return fixed, replace(settings, rate=0.0, seed=settings.seed + 1)


# ---- inner steps -------------------------------------------------------------------------------------------------


def _fitted(practice: Practice, task: Task, name: str, settings: Settings) -> Fit:
    """A training in a folder of its own, gone on with where it was interrupted."""
    folder = practice.folder / name
    return fit(task, folder, settings, resume=(folder / STATE).exists(), progress=practice.progress)


def _told(done: Fit) -> str:
    best = done.best
    parts = [f"validation loss {decimal(best.validation)}"] if not math.isnan(best.validation) else []
    parts += [f"{name} {decimal(value)}" for name, value in best.metrics.items()]
    epochs = len(done.history.epochs)
    return (
        f"After {counted(epochs, 'epoch')} the best one was epoch {best.number}: {', '.join(parts) or 'the last one'}."
    )


def _curves(done: Fit) -> dict[str, Any]:
    return {"epochs": [without_nan(asdict(each)) for each in done.history.epochs], "best": done.history.best}
