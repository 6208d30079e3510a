"""The first stages: test data go into a vault, others are set apart for validation, and what is left is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Subset

from seatrial.errors import UsageProblem
from seatrial.numbers import counted, percent
from seatrial.practice.dividing import by_class_if_possible, set_apart
from seatrial.practice.fitting.subset import classes_of
from seatrial.practice.lecture.outcome import Outcome
from seatrial.practice.lecture.practice import SCORED, Practice
from seatrial.practice.predicting.predicting import predict
from seatrial.practice.task import Task
from seatrial.practice.unchanged import seed, unchanged
from seatrial.vault.staging import finish
from seatrial.vault.vault import Sealed, Vault

VAULT = "test.vault"
# From this many examples of the largest class for one of the smallest, accuracy says little of the small ones.
RARE = 10
_FEW = 16  # examples from which the kind of answer is told
_KINDS = {"multilabel": "several labels an example", "segmentation": "a class for each pixel"}


def seal(practice: Practice) -> Outcome:
    """The test part of the task's data goes into a vault."""
    task = practice.task
    if task.vault is not None:
        return Outcome((f"The test data were sealed before, in {task.vault}.",), values={"vault": str(task.vault)})
    place = practice.folder / VAULT
    finish(place)
    for leftover in (place, place.with_name(f"{VAULT}.ledger")):  # sealed, but not written into the diary
        leftover.unlink(missing_ok=True)
    stratify = classes_of(task) is not None and task.times is None
    try:
        made, stratify = by_class_if_possible(stratify, lambda stratify: _sealed(practice, place, stratify))
    except UsageProblem as problem:
        return Outcome((), skipped=f"The data cannot be sealed: {problem}")
    sizes = made.sealed.examples
    kinds = ", each class with its share" if stratify else ""
    kinds += ", no group divided" if task.groups is not None else ""
    kinds += ", the latest ones" if task.times is not None else ""
    sentence = f"{counted(sizes.test, 'example')} were sealed{kinds}; {counted(sizes.training, 'example')} are left to work with."
    looked = f"Both parts were compared for the same and nearly the same examples ({made.sealed.looked})."
    values = {"vault": str(place), "training": list(made.training.indices)}
    return Outcome((sentence, looked, *made.notes), values=values)


def _sealed(practice: Practice, place: Path, stratify: bool) -> Sealed:
    task = practice.task
    return Vault.seal(
        task.train,
        place,
        split=practice.test_share,
        stratify=stratify,
        groups=None if task.groups is None else np.asarray(task.groups),
        time=None if task.times is None else np.asarray(task.times),
        seed=practice.settings.seed,
        duplicates="move",
    )


def divide(practice: Practice) -> Outcome:
    """Validation data, where the task has none of its own."""
    task = practice.prepared
    if task.validation is not None:
        return Outcome((f"The task has validation data of its own: {counted(len(task.validation), 'example')}.",))  # pyright: ignore[reportArgumentType]
    kept, apart = set_apart(task, practice.validation_share, practice.settings.seed)
    values = {"training": kept, "validation": apart}
    sizes = counted(len(apart), "example")
    return Outcome(
        (f"{sizes} of the training data are set apart for validation: all choices are made by them.",), values=values
    )


def look(practice: Practice) -> Outcome:
    """How many examples there are, and of which classes."""
    task = practice.prepared
    classes = classes_of(task)
    sizes = f"{counted(len(task.train), 'example')} to train on, in batches of {task.batch_size}."  # pyright: ignore[reportArgumentType]
    unscored = _unscored(task)
    if classes is None:
        return Outcome((sizes, "The targets are no classes.", *unscored))
    names, counts = np.unique(classes, return_counts=True)
    least, most = int(counts.min()), int(counts.max())
    share = most / int(counts.sum())
    sentences = (
        sizes,
        f"{len(names)} classes: the smallest has {counted(least, 'example')}, the largest {most}. Always answering the largest class "
        f"would be right in {percent(share, 1)}.",
        *unscored,
    )
    values = {"classes": len(names), "smallest": least, "largest_share": share, "rare": most >= RARE * least}
    return Outcome(sentences, values=values)


def _unscored(task: Task) -> tuple[str, ...]:
    """What is to be said of answers that no vault can score, by what an untrained network says of a few examples. Code that fails is for
    the checks to tell."""
    few: Any = Subset(task.train, range(min(_FEW, len(task.train))))  # pyright: ignore[reportArgumentType]
    try:
        with unchanged():
            seed(0)
            kind = predict(task, task.make().model, few).kind
    except Exception:
        return ()
    if kind in SCORED:
        return ()
    return (
        f"The answers are {_KINDS[kind]}: those are trained, chosen and combined as far as they can be, but the vault's metrics do not score "
        "them, and it will stay shut. `seatrial evaluate` measures them on the validation data; in Python `Vault.open` takes a metric of yours.",
    )
