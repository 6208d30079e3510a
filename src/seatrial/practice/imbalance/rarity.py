"""How rare the classes of a task are: their shares, and how many examples there are, which matters as much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.numbers import counted, percent
from seatrial.practice.imbalance.answers import Answers, answers_of, count_classes, has_own_loss, is_plain
from seatrial.practice.refusal import failed, refused
from seatrial.practice.task import Task
from seatrial.practice.unchanged import seed, unchanged

UNEQUAL = 1.5  # largest class over the smallest, from which on classes are called unequal
_HINT = (
    "Each target needs to be a class, and the model (a LightningModule's validation_step) has to return its outputs."
)
FEW = 30  # examples of a class, below which how many there are is the matter, not their share


@dataclass(frozen=True, slots=True, eq=False)
class Rarity:
    """What is known before any training.

    answers     how outputs and targets are read.
    counts      (classes,) training examples of each; pixels, of a segmentation.
    classes     (n,) of each training example; None for a segmentation.
    validation  (classes,) as `counts`, of the validation data.
    plain       whether the task's own loss is a plain cross-entropy; also where it is a part of the model, which tells nothing.
    """

    answers: Answers
    counts: NDArray[np.int64]
    classes: NDArray[np.int64] | None
    validation: NDArray[np.int64]
    plain: bool

    @property
    def shares(self) -> NDArray[np.float64]:
        """(classes,) of the training examples; a class without any counts as one with one."""
        counts = np.maximum(self.counts, 1)
        return counts / counts.sum()

    @property
    def rarest(self) -> int:
        """The class with the fewest training examples."""
        return int(self.counts.argmin())

    @property
    def ratio(self) -> float:
        """How many examples the largest class has for one of the smallest."""
        return float(self.counts.max() / max(1, self.counts.min()))

    @property
    def largest_accuracy(self) -> float:
        """The accuracy, on the validation data, of always answering the largest class."""
        return float(self.validation[int(self.counts.argmax())] / self.validation.sum())


def rarity(task: Task) -> Rarity:
    """Count a task's classes.

    Raises:
        UsageProblem: it does not answer with classes, or has no validation data.
    """
    if task.validation is None:
        hint = "Give validation=..., data of the same form with the shares of classes that are met in use."
        raise refused("validation data to compare remedies on", "none", "imbalance-validation", hint)
    with unchanged():
        seed(0)
        try:
            answers = answers_of(task)
            counts, classes = count_classes(task, task.train, answers)
            validation, _ = count_classes(task, task.validation, answers)
            plain = not has_own_loss(task) or is_plain(task, answers)
        except (TypeError, ValueError, RuntimeError) as error:
            raise failed("Counting the classes", error, _HINT) from error
    return Rarity(answers, counts.numpy(), None if classes is None else classes.numpy(), validation.numpy(), plain)


def told(found: Rarity) -> list[str]:
    """It in sentences."""
    things = "pixel" if found.answers.kind == "segmentation" else "example"
    least, at = int(found.counts.min()), found.rarest
    lines = [
        f"{len(found.counts)} classes. The largest ({int(found.counts.argmax())}) has {_all(int(found.counts.max()), things)}, the "
        f"smallest ({at}) {_all(least, things)}: 1 to {found.ratio:.0f}, {percent(float(found.shares[at]))} of all. "
        f"Always answering the largest class is right in {percent(found.largest_accuracy)} of the validation data."
    ]
    if found.ratio < UNEQUAL:
        lines.append("The classes are about as common as one another: there is nothing to remedy.")
        return lines
    if not least:
        lines.append(f"Of class {at} nothing can be learned: it has no training {things}. No remedy makes up for that.")
    elif least < FEW:
        lines.append(
            f"{_all(least, things)} of class {at} {'is' if least == 1 else 'are'} few whatever the share: what a remedy can bring is "
            "bounded by them, and more of them would bring more."
        )
    few = int(found.validation.min())
    if few < FEW:
        rare = int(found.validation.argmin())
        each = f", so that each is {percent(1 / few)} of its recall" if few else ": its recall cannot be seen"
        lines.append(f"The validation data have {_all(few, things)} of class {rare}{each}.")
    return lines


def classes_in(found: Rarity) -> NDArray[Any]:
    """(n,) the class of each training example.

    Raises:
        UsageProblem: classes are those of pixels.
    """
    if found.classes is None:
        raise refused("a class for each example", "classes of pixels", "imbalance-kind", "Choose a remedy in the loss.")
    return found.classes


def _all(count: int, things: str) -> str:
    return counted(count, things)
