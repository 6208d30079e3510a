"""The stages in which something is chosen before the training that counts: rate, hyperparameters, a remedy for rare classes.

All choices are made by validation data; the task has no vault here."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from torch import nn
from torch.optim import Optimizer

from seatrial.errors import UsageProblem
from seatrial.numbers import counted, decimal
from seatrial.practice.checking import check
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.lecture.outcome import Outcome
from seatrial.practice.lecture.practice import Practice, validation_groups
from seatrial.practice.optimizers.kinds import set_rate
from seatrial.practice.rates import find_rate
from seatrial.practice.task import Task
from seatrial.report.rates import PAGE, lines
from seatrial.report.rates import write as write_rate

# A search within a practice: enough to leave bad regions, little enough for a coffee.
TRIALS, SEARCH_EPOCHS, LEADERS, SEEDS = 16, 9, 2, 3
# Those that act after a plain training: the probabilities stay those of the data, so that an ensemble can be chosen by them.
REMEDIES = ("threshold", "adjusted-afterwards")
REMEDY_EPOCHS, REMEDY_SEEDS = 15, 3
BALANCED = "balanced-accuracy"


def put_on_trial(practice: Practice) -> Outcome:
    """Gradients, the untrained loss, a few examples overfitted: `seatrial check`."""
    extent = "quick" if practice.quick else "full"
    found = check(practice.prepared, trials=extent, out=practice.folder / "check", progress=practice.progress)
    findings = [finding for finding in found.verdict.findings if finding.severity != "note"]
    link = "check/report.html"
    if found.verdict.errors:
        names = ", ".join(sorted({each.name for each in findings if each.severity == "error"}))
        return Outcome((f"The task is wrong: {names}. Mend it first.",), link=link, stops=True)
    said = tuple(each.message for each in findings)
    return Outcome(said or ("Nothing is wrong with it as far as trials can tell.",), link=link)


def rate(practice: Practice) -> Outcome:
    """The learning rate, by a range test and short trainings."""
    if practice.quick:
        return Outcome((), skipped="A quick practice takes the rate as it is.")
    task = practice.prepared
    steps = practice.settings.epochs * (len(task.train) // task.batch_size)  # pyright: ignore[reportArgumentType]
    found = find_rate(task, steps=steps, progress=practice.progress)
    write_rate(found, practice.folder / "rate")
    values = {"rate": found.rate} if math.isfinite(found.rate) else {}
    return Outcome(tuple(lines(found)), link=f"rate/{PAGE}", values=values)


def search(practice: Practice) -> Outcome:
    """Hyperparameters, coarse to fine, the first trainings on a subset."""
    if practice.quick:
        return Outcome((), skipped="A quick practice searches nothing.")
    if find_spec("optuna") is None:
        return Outcome((), skipped="Searching needs Optuna: pip install 'seatrial[search]'.")
    from seatrial.practice.search.searching import SearchSettings
    from seatrial.practice.search.searching import search as searched

    settings = SearchSettings(
        trials=TRIALS,
        epochs=min(SEARCH_EPOCHS, practice.settings.epochs),
        leaders=LEADERS,
        seeds=SEEDS,
        choose=practice.settings.choose,
        highest=practice.settings.highest,
        seed=practice.settings.seed,
        accelerator=practice.settings.accelerator,
    )
    space = _space(practice)
    try:
        found = searched(space, settings=settings, out=practice.folder / "search", progress=practice.progress)
    except UsageProblem as problem:
        return Outcome((), skipped=f"Nothing was searched: {problem}")
    if found.winner is None:
        return Outcome((found.headline,), link="search/search.html")
    named = ", ".join(f"{name} {_shown(value)}" for name, value in found.params.items())
    return Outcome(
        (f"Taken from here: {named}.", found.headline, *found.sentences),
        link="search/search.html",
        values={"params": found.params},
    )


def remedy(practice: Practice) -> Outcome:
    """What to do about rare classes, where there are any."""
    if not practice.diary.value("look", "rare"):
        return Outcome((), skipped="No class is rare.")
    if practice.quick:
        return Outcome((), skipped="A quick practice compares no remedies.")
    from seatrial.practice.imbalance.advice import recommended
    from seatrial.practice.imbalance.comparing import compare_remedies

    task, settings = practice.chosen
    fixed = at_rate(task, settings.rate) if isinstance(settings.rate, float) and settings.rate else task
    try:
        found = compare_remedies(
            fixed,
            REMEDIES,
            metric=BALANCED,
            seeds=REMEDY_SEEDS,
            epochs=min(REMEDY_EPOCHS, practice.settings.epochs),
            out=practice.folder / "imbalance",
            groups=validation_groups(practice),
            progress=practice.progress,
        )
    except UsageProblem as problem:
        return Outcome((), skipped=f"No remedies were compared: {problem}")
    chosen = recommended(found, fixed)
    told = ", ".join(f"{each.name} {decimal(each.mean)}" for each in found.candidates)
    figures = f"{BALANCED} on the validation data, mean of {counted(found.seeds, 'seed')}: {told}."
    return Outcome((f"Taken from here: {chosen.name}.", figures, *chosen.why), values={"remedy": chosen.name})


# ---- what was chosen, applied ------------------------------------------------------------------------------------


def with_params(practice: Practice, params: dict[str, Any]) -> tuple[Task, Settings]:
    """The task and the settings with hyperparameters that a search has found."""
    from optuna.trial import FixedTrial

    from seatrial.practice.search.space import space_of

    found = space_of(_space(practice))(FixedTrial(params))
    settings = practice.rated
    return found.task, replace(settings, rate=found.rate or (0.0 if practice.space is not None else settings.rate))


def at_rate(task: Task, rate: float) -> Task:
    """The same task with another learning rate."""

    def optimizer(model: nn.Module) -> Optimizer:
        made, _ = task.optimizer_for(model)
        set_rate(made, rate)
        return made

    return task.having(optimizer=optimizer)


def _space(practice: Practice) -> Any:
    """What is searched: the task's own space, or the task at its found rate."""
    own = practice.space
    if own is not None:
        return lambda trial: practice.without_sealed(own(trial))  # pyright: ignore[reportUnknownLambdaType]
    found = practice.rated.rate
    return at_rate(practice.prepared, found) if isinstance(found, float) and found else practice.prepared


def _shown(value: Any) -> str:
    return decimal(value) if isinstance(value, float) else str(value)
