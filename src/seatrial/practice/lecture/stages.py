"""The stages of the lecture, each a function of what came before."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Subset

from seatrial.errors import UsageProblem
from seatrial.practice.checking import check
from seatrial.practice.fitting.checkpoints import STATE
from seatrial.practice.fitting.fit import Fit, fit
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.fitting.subset import classes_of
from seatrial.practice.lecture.examination import examine
from seatrial.practice.lecture.outcome import Diary, Outcome
from seatrial.practice.rates import find_rate
from seatrial.practice.task import Task
from seatrial.report.numbers import counted, decimal
from seatrial.report.rates import PAGE, lines
from seatrial.report.rates import write as write_rate
from seatrial.vault.splitting import split
from seatrial.vault.staging import finish
from seatrial.vault.vault import Vault

VAULT = "test.vault"
# A tenth would do for large data; small ones need more to have a batch of each class.
FIRST_SHARE = 0.25
FIRST_EPOCHS = 10


@dataclass
class Practice:
    """A task on its way: as it came, where its folder is, what was chosen, and the diary."""

    task: Task
    diary: Diary
    settings: Settings
    test_share: float
    validation_share: float
    quick: bool
    progress: bool

    @property
    def folder(self) -> Path:
        return self.diary.folder

    @property
    def prepared(self) -> Task:
        """The task without what was sealed and with validation data, as far as these stages are over."""
        task = self.task
        for stage in ("seal", "split"):
            chosen = self.diary.value(stage, "training")
            if chosen is not None:
                held_out = self.diary.value(stage, "validation")
                given: Any = task.train
                parts: dict[str, Any] = {"train": Subset(given, chosen)}
                if held_out is not None:
                    parts["validation"] = Subset(given, held_out)
                task = task.having(**parts)
        return task

    @property
    def chosen(self) -> Settings:
        """The settings with the rate that was found, as far as that stage is over."""
        return replace(self.settings, rate=self.diary.value("rate", "rate") or self.settings.rate)


@dataclass(frozen=True, slots=True)
class Stage:
    """`name` in the diary, the chapter's `title`, what the lecture says of it, and what is done."""

    name: str
    title: str
    advice: str
    run: Callable[[Practice], Outcome]


def seal(practice: Practice) -> Outcome:
    """The test part of the task's data goes into a vault."""
    task = practice.task
    if task.vault is not None:
        return Outcome((f"The test data were sealed before, in {task.vault}.",), values={"vault": str(task.vault)})
    place = practice.folder / VAULT
    finish(place)
    for leftover in (place, place.with_name(f"{VAULT}.ledger")):  # sealed, but not written into the diary
        leftover.unlink(missing_ok=True)
    stratify = classes_of(task) is not None
    try:
        made = Vault.seal(
            task.train,
            place,
            split=practice.test_share,
            stratify=stratify,
            seed=practice.settings.seed,
            duplicates="move",
        )
    except UsageProblem as problem:
        return Outcome((), skipped=f"The data cannot be sealed: {problem}")
    sizes = made.sealed.examples
    kinds = ", each class with its share" if stratify else ""
    sentence = f"{counted(sizes.test, 'example')} were sealed{kinds}; {counted(sizes.training, 'example')} are left to work with."
    looked = f"Both parts were compared for the same and nearly the same examples ({made.sealed.looked})."
    values = {"vault": str(place), "training": list(made.training.indices)}
    return Outcome((sentence, looked, *made.notes), values=values)


def divide(practice: Practice) -> Outcome:
    """Validation data, where the task has none of its own."""
    task = practice.prepared
    if task.validation is not None:
        return Outcome((f"The task has validation data of its own: {counted(_size(task.validation), 'example')}.",))
    count = _size(task.train)
    chosen = split(count, practice.validation_share, seed=practice.settings.seed, stratify=classes_of(task))
    values = {"training": np.flatnonzero(~chosen).tolist(), "validation": np.flatnonzero(chosen).tolist()}
    sizes = counted(len(values["validation"]), "example")
    return Outcome(
        (f"{sizes} of the training data are set apart for validation: all choices are made by them.",), values=values
    )


def look(practice: Practice) -> Outcome:
    """How many examples there are, and of which classes."""
    task = practice.prepared
    classes = classes_of(task)
    sizes = f"{counted(_size(task.train), 'example')} to train on, in batches of {task.batch_size}."
    if classes is None:
        return Outcome((sizes, "The targets are no classes."))
    names, counts = np.unique(classes, return_counts=True)
    least, most = int(counts.min()), int(counts.max())
    share = most / int(counts.sum())
    sentences = (
        sizes,
        f"{len(names)} classes: the smallest has {counted(least, 'example')}, the largest {most}. Always answering the largest class "
        f"would be right in {share:.1%}.",
    )
    return Outcome(sentences, values={"classes": len(names), "smallest": least, "largest_share": share})


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
    steps = practice.settings.epochs * (_size(task.train) // task.batch_size)
    found = find_rate(task, steps=steps, progress=practice.progress)
    write_rate(found, practice.folder / "rate")
    values = {"rate": found.rate} if math.isfinite(found.rate) else {}
    return Outcome(tuple(lines(found)), link=f"rate/{PAGE}", values=values)


def first(practice: Practice) -> Outcome:
    """A training on a subset: does anything learn at all?"""
    task = practice.prepared
    if FIRST_SHARE * _size(task.train) < 4 * task.batch_size:
        return Outcome((), skipped=f"A subset of {FIRST_SHARE:.0%} would have less than four batches.")
    settings = replace(practice.chosen, epochs=min(FIRST_EPOCHS, practice.settings.epochs), subset=FIRST_SHARE)
    done = _fitted(practice, task, "subset", settings)
    # That a training of few epochs was cut short is no news.
    said = [each.sentences for each in done.readings if each.name != "still falling"]
    return Outcome((_told(done), *said), link="subset/report.html", values=_curves(done))


def whole(practice: Practice) -> Outcome:
    """The training on all data; validation chooses the epoch and when to stop."""
    done = _fitted(practice, practice.prepared, "train", practice.chosen)
    findings = [f"{each.severity}: {each.message}" for each in done.verdict.findings if each.severity != "note"]
    values = {**_curves(done), "weights": str(done.weights)}
    said = [each.sentences for each in done.readings]
    return Outcome((_told(done), *said, *findings), link="train/report.html", values=values)


def open_vault(practice: Practice) -> Outcome:
    """The vault is opened, once."""
    vault, weights = practice.diary.value("seal", "vault"), practice.diary.value("train", "weights")
    if vault is None:
        return Outcome((), skipped="Nothing was sealed.")
    return examine(practice.prepared, Path(vault), Path(weights), practice.diary.value("look", "largest_share"))


STAGES = (
    Stage("seal", "Test data go into the vault", "The test set is brought out only at the end.", seal),
    Stage("split", "Validation data", "Choices are made by data that are neither trained on nor tested on.", divide),
    Stage("look", "A first idea of the data", "Know how many there are, and of which kinds.", look),
    Stage("check", "Checks before training", "Gradients, the untrained loss, a few examples overfitted.", put_on_trial),
    Stage("rate", "The learning rate", "The one setting that matters most is found, not guessed.", rate),
    Stage("subset", "First experiment, on a subset", "Begin small and fast.", first),
    Stage("train", "Training, watched", "Losses, updates, activations, and the validation curve.", whole),
    Stage("open", "The vault is opened", "Evaluate once, with an interval.", open_vault),
)


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
    return {"epochs": [_plain(asdict(each)) for each in done.history.epochs], "best": done.history.best}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values.items()}


def _size(data: Any) -> int:
    return len(data)
