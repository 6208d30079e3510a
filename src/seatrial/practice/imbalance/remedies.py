"""The remedies by name: what each changes in a task, what its probabilities are off by, and where it cannot be tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.catalogue import nearest
from seatrial.numbers import decimal
from seatrial.practice.imbalance import tables
from seatrial.practice.imbalance.answers import has_own_loss, smoothing_of
from seatrial.practice.imbalance.losses import (
    GAMMA,
    ClassLoss,
    DiceLoss,
    effective_number,
    inverse_frequency,
)
from seatrial.practice.imbalance.rarity import Rarity, classes_in
from seatrial.practice.imbalance.sampling import Augmented, Balanced, FirstOf, Undersampled
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task

PLAIN, OWN = "plain", "own"
THRESHOLD, ADJUSTED = "threshold", "adjusted-afterwards"
AFTER = {
    THRESHOLD: "the threshold moved for the metric, on validation data (crossed: fitted and scored on different parts)",
    ADJUSTED: "the logits adjusted afterwards by the classes' shares (Menon et al. 2021)",
}
Augment = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Remedy:
    """A way to train.

    make     the task with it, of a task, what is known of its classes, and a seed.
    odds     (classes,) what its probabilities have to be multiplied by to be those of the data as they are; None: not known.
    why_not  why it cannot be tried; "" where it can.
    """

    name: str
    words: str
    make: Callable[[Task, Rarity, int], Task]
    odds: Callable[[Rarity], NDArray[Any] | None]
    why_not: Callable[[Task, Rarity], str]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is compared: a training, and what is done with its answers afterwards ("" or one of AFTER)."""

    remedy: Remedy
    after: str = ""

    @property
    def name(self) -> str:
        if not self.after:
            return self.remedy.name
        return self.after if self.remedy.name == PLAIN else f"{self.remedy.name}+{self.after}"

    @property
    def words(self) -> str:
        after = AFTER.get(self.after, "")
        return (
            after if self.remedy.name == PLAIN and after else ", then ".join(filter(None, (self.remedy.words, after)))
        )


def choice(name: str, augment: Augment | None = None) -> Choice:
    """By name: a training, "threshold" or "adjusted-afterwards" (of the plain training), or both: "focal+threshold".

    Raises:
        UsageProblem: there is none of that name.
    """
    known = remedies(augment)
    first, plus, after = name.partition("+")
    if not plus and first in AFTER:
        first, after = PLAIN, first
    if first not in known or (after and after not in AFTER):
        names = [*known, *AFTER]
        near = nearest(first if first not in known else after, names)
        hint = f"Did you mean {near[0]}?" if near else "Two are combined as in focal+threshold."
        raise refused(f"a remedy ({', '.join(names)})", repr(name), "no-remedy", hint)
    return Choice(known[first], after)


def usual(rarity: Rarity, augment: Augment | None = None) -> list[str]:
    """The names of those that are compared where none are named."""
    own = [] if rarity.plain else [OWN]
    if rarity.answers.kind == "segmentation":
        return [PLAIN, *own, "class-weights", "effective-number", "focal", "logit-adjusted", "dice"]
    more = ["augmented"] if augment is not None else []
    sampled = ["balanced-sampling", "undersampling", *more]
    return [
        PLAIN,
        *own,
        THRESHOLD,
        ADJUSTED,
        "logit-adjusted",
        "class-weights",
        "effective-number",
        *sampled,
        "focal",
        "smote",
    ]


def why_not(chosen: Choice, task: Task, rarity: Rarity) -> str:
    """Why a choice cannot be tried; "" where it can."""
    if chosen.after and rarity.answers.kind == "segmentation":
        return "of a segmentation only counts of pixels are kept, not their probabilities"
    if chosen.after == THRESHOLD and int(rarity.validation[rarity.counts > 0].min()) < 2:
        return "the validation data have fewer than two examples of some class: none to fit on and one to score"
    return chosen.remedy.why_not(task, rarity)


def remedies(augment: Augment | None = None) -> dict[str, Remedy]:
    """All ways to train by name."""
    found = [
        Remedy(PLAIN, "cross-entropy, all examples alike", _plain, _true, _anything_goes),
        Remedy(OWN, "the task's own loss", lambda task, rarity, seed: task, _unknown, _anything_goes),
        Remedy("class-weights", "losses weighted by 1 / n", _weighted(inverse_frequency), _inverse(inverse_frequency), _loss_needed),
        Remedy("effective-number", "losses weighted by the effective number of examples (Cui et al. 2019)", _weighted(effective_number), _inverse(effective_number), _loss_needed),
        Remedy("logit-adjusted", "logits adjusted by the classes' shares in the loss (Menon et al. 2021)", _adjusted, _shares, _loss_needed),
        Remedy("focal", f"focal loss, gamma {decimal(GAMMA)} (Lin et al. 2017)", _focal, _unknown, _loss_needed),
        Remedy("dice", "Dice loss (Milletari et al. 2016)", _dice, _unknown, _pixels_needed),
        Remedy("balanced-sampling", "examples drawn so that all classes come equally often", _sampled(Balanced), _shares, _classes_needed),
        Remedy("undersampling", "as many of each class as the smallest has, drawn anew again and again", _sampled(Undersampled), _shares, _classes_needed),
        Remedy("augmented", "rare classes drawn as often as others, and augmented the more the rarer they are", _augmented(augment), _shares, _augmentation_needed(augment)),
    ]  # fmt: skip
    found += [
        Remedy(
            name, f"made examples of rare classes ({title} of imbalanced-learn)", _table(name), _shares, tables.why_not
        )
        for name, title in tables.KINDS.items()
    ]
    return {each.name: each for each in found}


# ---- what they make ----------------------------------------------------------------------------------------------


def _plain(task: Task, rarity: Rarity, seed: int) -> Task:
    return task if rarity.plain else task.having(loss=ClassLoss(rarity.answers, smoothing=smoothing_of(task)))


def _weighted(weights: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[Task, Rarity, int], Task]:
    def make(task: Task, rarity: Rarity, seed: int) -> Task:
        return task.having(loss=ClassLoss(rarity.answers, weights(rarity.counts), smoothing=smoothing_of(task)))

    return make


def _adjusted(task: Task, rarity: Rarity, seed: int) -> Task:
    return task.having(loss=ClassLoss(rarity.answers, offset=np.log(rarity.shares), smoothing=smoothing_of(task)))


def _focal(task: Task, rarity: Rarity, seed: int) -> Task:
    return task.having(loss=ClassLoss(rarity.answers, gamma=GAMMA, smoothing=smoothing_of(task)))


def _dice(task: Task, rarity: Rarity, seed: int) -> Task:
    return task.having(loss=DiceLoss(rarity.answers))


def _sampled(sampler: Callable[[NDArray[Any]], Any]) -> Callable[[Task, Rarity, int], Task]:
    return lambda task, rarity, seed: _plain(task, rarity, seed).having(sampler=sampler(classes_in(rarity)))


def _augmented(augment: Augment | None) -> Callable[[Task, Rarity, int], Task]:
    def make(task: Task, rarity: Rarity, seed: int) -> Task:
        classes = classes_in(rarity)
        return _plain(task, rarity, seed).having(
            train=Augmented(task.train, augment, classes), sampler=Balanced(classes)
        )

    return make


def _table(kind: str) -> Callable[[Task, Rarity, int], Task]:
    def make(task: Task, rarity: Rarity, seed: int) -> Task:
        data = tables.resampled(task, rarity, kind, seed)
        return _plain(task, rarity, seed).having(train=data, sampler=FirstOf(min(len(data), len(classes_in(rarity)))))

    return make


# ---- what their probabilities are off by (Elkan 2001, theorem 2; Saerens et al. 2002) ----------------------------


def _true(rarity: Rarity) -> NDArray[Any]:
    return np.ones(len(rarity.counts))


def _unknown(rarity: Rarity) -> None:
    return None


def _shares(rarity: Rarity) -> NDArray[Any]:
    return rarity.shares


def _inverse(weights: Callable[[NDArray[Any]], NDArray[Any]]) -> Callable[[Rarity], NDArray[Any]]:
    return lambda rarity: 1 / np.maximum(weights(np.maximum(rarity.counts, 1)), 1e-12)


# ---- where they cannot be tried ----------------------------------------------------------------------------------


def _anything_goes(task: Task, rarity: Rarity) -> str:
    return ""


def _loss_needed(task: Task, rarity: Rarity) -> str:
    return "" if has_own_loss(task) else "the loss is part of the model"


def _classes_needed(task: Task, rarity: Rarity) -> str:
    return "" if rarity.classes is not None else "classes are those of pixels, not of examples"


def _pixels_needed(task: Task, rarity: Rarity) -> str:
    return _loss_needed(task, rarity) if rarity.answers.kind == "segmentation" else "it is for segmentation"


def _augmentation_needed(augment: Augment | None) -> Callable[[Task, Rarity], str]:
    missing = "no augmentation was given (augment=); where the data have their own, balanced sampling shows rare examples in more versions"
    return lambda task, rarity: missing if augment is None else _classes_needed(task, rarity)
