"""The curves of a training read into words, as one reads them beside each other: what they say, and what to do.

Pure: figures in, sentences out. Nothing is said where the figures do not bear it out: each difference is held against the
standard errors of its losses, each trend against chance (Mann, "Nonparametric tests against trend", 1945).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from seatrial.numbers import decimal

SURE = 3.0  # standard errors that a difference of two losses must be
TREND = 1.64  # standard deviations of Mann's test: one in twenty by chance
RISE = 1.03  # last validation loss over the lowest, to speak of a rise: stopping early, one sees its beginning only
GAP = 1.5  # validation loss over that of the training data, to speak of a gap
HIGH = 0.8  # share of the best constant answer's loss
FALL = 0.02  # share by which the last epochs must have brought the loss down, to speak of a fall
NOISE = 0.15  # share of the loss by which it jumps from epoch to epoch


@dataclass(frozen=True, slots=True)
class Level:
    """A mean loss over so many examples, and its standard error."""

    mean: float
    error: float
    examples: int


@dataclass(frozen=True, slots=True)
class Curves:
    """What is read.

    training, validation  losses by epoch: training as it went, validation after each epoch.
    best                  number of the best epoch, from 1.
    trained, held_out     training and validation data in evaluation mode, with the weights of the best epoch.
    plain                 training data as `trained`, but without their augmentation; None where there is none or it cannot be
                          turned off.
    augmented             whether the training data differ each time they are read.
    constant              loss of the best constant answer; nan where it is not known.
    stopped               whether the training stopped early, for want of improvement.
    """

    training: Sequence[float]
    validation: Sequence[float]
    best: int
    trained: Level | None = None
    held_out: Level | None = None
    plain: Level | None = None
    augmented: bool = False
    constant: float = math.nan
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What the curves say (`text`) and what follows (`advice`)."""

    name: str
    text: str
    advice: str

    @property
    def sentences(self) -> str:
        """Both in one."""
        return f"{self.text} {self.advice}".rstrip()


def readings(curves: Curves) -> tuple[Reading, ...]:
    """All that the curves say, the most important first; empty where they say nothing that is sure."""
    if not curves.validation or not all(map(math.isfinite, (*curves.training, *curves.validation))):
        return ()
    looks: tuple[Callable[[Curves], Reading | None], ...] = (
        _diverging,
        _gap,
        _high,
        _validation_better,
        _still_falling,
        _noisy,
    )
    found = [reading for look in looks if (reading := look(curves)) is not None]
    if len(found) > 1 and found[0].name == "diverging":  # the gap is the same thing said again
        found = [each for each in found if each.name != "gap"]
    return tuple(found)


# ---- the readings ------------------------------------------------------------------------------------------------


def _diverging(curves: Curves) -> Reading | None:
    after = curves.validation[curves.best :]
    if len(after) < 4 or trend(after) < TREND:
        return None
    lowest, last = curves.validation[curves.best - 1], median(after[-3:])
    then, now = curves.training[curves.best - 1], curves.training[-1]
    if last < RISE * lowest or now >= then:
        return None
    return Reading(
        "diverging",
        f"The validation loss was lowest in epoch {curves.best}, {decimal(lowest, 3)}, and has risen to {decimal(last, 3)} since, while the "
        f"training loss went on falling from {decimal(then, 3)} to {decimal(now, 3)}: the network learns its examples by heart.",
        "Take the weights of the best epoch; more data, augmentation or regularisation move it later.",
    )


def _gap(curves: Curves) -> Reading | None:
    one, other = curves.trained, curves.held_out
    if one is None or other is None or not _above(other, one) or other.mean < GAP * one.mean:
        return None
    if other.mean - one.mean < 0.05 * _scale(curves):  # both are next to nothing
        return None
    return Reading(
        "gap",
        f"With the weights of the best epoch the loss is {decimal(one.mean, 3)} on the training data and {decimal(other.mean, 3)} on the "
        "validation data: what was learned carries over only in part.",
        "More data, augmentation or regularisation; a larger network will not help.",
    )


def _high(curves: Curves) -> Reading | None:
    one, other = curves.trained, curves.held_out
    if one is None or other is None or not curves.constant > 0 or _falls(curves.training) or _falls(curves.validation):
        return None
    near = abs(one.mean - other.mean) <= max(SURE * _error(one, other), 0.1 * one.mean)
    if not near or one.mean < HIGH * curves.constant or one.mean > 1.5 * curves.constant:
        return None
    return Reading(
        "high",
        f"Training and validation loss have come to rest next to each other at {decimal(one.mean, 3)} and {decimal(other.mean, 3)}, where one "
        f"answer for all examples gives {decimal(curves.constant, 3)}: the network has learned little.",
        "See whether it can fit a few examples at all (`seatrial check`); then a larger network, less regularisation, another "
        "rate. Or the inputs say no more about the targets.",
    )


def _validation_better(curves: Curves) -> Reading | None:
    one, other = curves.trained, curves.held_out
    ran, held = curves.training[curves.best - 1], curves.validation[curves.best - 1]
    if one is None or other is None or ran - held < max(SURE * _error(one, other), 0.05 * held):
        return None
    said = f"The validation loss, {decimal(held, 3)}, is below the training loss of the same epoch, {decimal(ran, 3)}."
    if not _above(one, other):
        return Reading(
            "validation better: mode",
            f"{said} It is no riddle: with the same weights in evaluation mode, the training data give {decimal(one.mean, 3)}. Dropout "
            "and its like, and weights that were still changing, account for the difference.",
            "",
        )
    if curves.plain is not None and not _above(curves.plain, other):
        return Reading(
            "validation better: augmentation",
            f"{said} Augmentation accounts for it: in evaluation mode the training data give {decimal(one.mean, 3)}, and "
            f"{decimal(curves.plain.mean, 3)} without augmentation.",
            "",
        )
    if curves.augmented and curves.plain is None:
        return Reading(
            "validation better: unknown",
            f"{said} In evaluation mode, too, the training data give more, {decimal(one.mean, 3)}. They are augmented, which may be "
            "why; it could not be turned off to see.",
            "Give validation data of the same class with a `transform` of their own, and it will be tried.",
        )
    return Reading(
        "validation better: data",
        f"{said} In evaluation mode, too, the training data give more, {decimal(one.mean, 3)}: neither dropout nor augmentation is "
        "why. The validation data are easier, or examples of them are among those that were trained on.",
        "Look how the data were divided, and whether examples of one source (person, series, document) lie on both sides.",
    )


def _still_falling(curves: Curves) -> Reading | None:
    if curves.stopped or curves.best != len(curves.validation) or not _falls(curves.validation):
        return None
    before, last = _last_ones(curves.validation)[0], curves.validation[-1]
    return Reading(
        "still falling",
        f"The validation loss was still falling when the epochs were used up: from {decimal(before, 3)} to {decimal(last, 3)} over the last "
        f"{len(_last_ones(curves.validation))}.",
        "Train for more epochs.",
    )


def _noisy(curves: Curves) -> Reading | None:
    values = curves.validation[len(curves.validation) // 2 :]
    if len(values) < 6:
        return None
    jumps = [abs(b - (a + c) / 2) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
    size = 1.4826 * median(jumps) / math.sqrt(1.5)  # of independent noise of this size
    level = median(values)
    if size < NOISE * level or size < 0.02 * _scale(curves):
        return None
    return Reading(
        "noisy",
        f"The validation loss jumps by about {decimal(size, 2)} from epoch to epoch, at a level of {decimal(level, 3)}.",
        "A smaller rate or a larger batch towards the end (annealing); more validation data if they are few.",
    )


# ---- figures -----------------------------------------------------------------------------------------------------


def trend(values: Sequence[float]) -> float:
    """Mann's statistic in standard deviations: above 0 where values rise."""
    count = len(values)
    ups = sum((after > before) - (after < before) for before, after in itertools.combinations(values, 2))
    if count < 2 or not ups:
        return 0.0
    return (ups - math.copysign(1, ups)) / math.sqrt(count * (count - 1) * (2 * count + 5) / 18)


def _falls(values: Sequence[float]) -> bool:
    last = _last_ones(values)
    return len(last) >= 4 and trend(last) < -TREND and last[0] - last[-1] > FALL * abs(last[0])


def _last_ones(values: Sequence[float]) -> Sequence[float]:
    return values[-max(4, len(values) // 4) :]


def _above(one: Level, other: Level) -> bool:
    """Whether one level lies above another, by more than chance."""
    return one.mean - other.mean > SURE * _error(one, other)


def _error(one: Level, other: Level) -> float:
    return math.hypot(one.error, other.error)


def _scale(curves: Curves) -> float:
    """What a loss is large against: that of a constant answer, or of the first epoch."""
    return curves.constant if curves.constant > 0 else abs(curves.training[0])
