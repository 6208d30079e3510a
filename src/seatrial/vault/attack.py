"""What looking costs, shown on pure noise: the boosting attack on a test set, through each way of answering.

A. Blum and M. Hardt, The Ladder, ICML 2015 (arXiv 1502.04585): an error of Omega(sqrt(k / n)) after k looks at n examples, and
none through the Ladder. Random labels, random answer vectors: no model is better than 1/2, yet the majority vote over those that the
test set praised is, on this test set alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from seatrial.report import drawing
from seatrial.vault.pricing.ladder import Ladder, LadderState, ParameterFreeLadder, published_step
from seatrial.vault.pricing.noise import keyed
from seatrial.vault.pricing.thresholdout import Thresholdout, ThresholdoutState
from seatrial.vault.pricing.values import count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXACT, LADDER, FREE, THRESHOLDOUT = "exact scores", "Ladder", "parameter-free Ladder", "Thresholdout"
POINTS = 36  # of the curves, evenly spaced
BAND = (5, 95)  # percentiles over the repetitions
COLOURS = {EXACT: "#c2571a", LADDER: "#2563a8", FREE: "#8a3ea8", THRESHOLDOUT: "#23744a"}  # the report's

Signs = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Curve:
    """Accuracy of the majority vote on the sealed labels, over the number of looks: mean, and a band over repetitions."""

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Attack:
    """The attack through each way of answering.

    looks   numbers of looks at which the vote was taken
    curves  by the way of answering
    fresh   the vote's accuracy on fresh labels after all looks, mean over repetitions, by the way of answering
    """

    examples: int
    repetitions: int
    looks: tuple[int, ...]
    curves: Mapping[str, Curve]
    fresh: Mapping[str, float]


def expected(examples: int, looks: int) -> float:
    """Accuracy to which the vote climbs on exact scores, Phi(sqrt(k / (pi n))).

    A random vector that is better than 1/2 is so by sqrt(1 / (2 pi n)) on average (the mean of a half normal distribution of
    standard deviation 1 / (2 sqrt(n))); about k / 2 vectors are. At each example the vote is thus a sum of k / 2 signs of mean
    2 sqrt(1 / (2 pi n)), right with probability Phi(2 sqrt(1 / (2 pi n)) sqrt(k / 2)).
    """
    return 0.5 * (1 + math.erf(math.sqrt(looks / (math.pi * examples)) / math.sqrt(2)))


def simulate(examples: int = 1000, looks: int = 700, repetitions: int = 20, seed: int = 0) -> Attack:
    """The attack with `looks` random vectors on `examples` random labels, some times over."""
    count("examples", examples, least=2)
    count("looks", looks)
    at = np.unique(np.linspace(1, looks, min(POINTS, looks)).round().astype(int))
    ways: dict[str, _Praise] = {EXACT: _exact, LADDER: _ladder, FREE: _parameter_free, THRESHOLDOUT: _thresholdout}
    sealed: dict[str, list[NDArray[np.float64]]] = {way: [] for way in ways}
    fresh: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(count("repetitions", repetitions)):
        generator = np.random.default_rng([seed, number])
        vectors = _signs(generator, (looks + 1, examples))  # the last one decides where a vote is even
        labels, others = _signs(generator, (examples,)), _signs(generator, (examples,))
        right = vectors * labels  # +1 where a vector is right
        for way, praise in ways.items():
            praised = praise(right[:looks] > 0, generator)
            sealed[way].append(_votes(right, praised, at))
            fresh[way].append(float(_votes(vectors * others, praised, at[-1:])[0]))
    curves = {way: _curve(np.stack(each)) for way, each in sealed.items()}
    means = {way: float(np.mean(each)) for way, each in fresh.items()}
    return Attack(examples, repetitions, tuple(map(int, at)), curves, means)


class _Praise(Protocol):
    """Which vectors a way of answering makes look good. `right` is (looks, examples), whether an answer is right."""

    def __call__(self, right: NDArray[np.bool_], generator: np.random.Generator, /) -> NDArray[np.bool_]: ...


def _exact(right: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    return right.mean(axis=1) > 0.5


def _ladder(right: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Those at which the Ladder's answer became better, as in the experiment of its authors; the first if it beats 1/2."""
    mechanism, state, praised = Ladder(published_step(right.shape[1], len(right))), LadderState(), []
    for losses in ~right:
        answer, state = mechanism.answer(state, losses)
        praised.append(answer.improved and answer.value is not None and answer.value < 0.5)
    return np.array(praised)


def _parameter_free(right: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    mechanism, state, praised, leader = ParameterFreeLadder(), LadderState(), [], None
    for losses in ~right:
        answer, state = mechanism.answer(state, losses, leader)
        leader = losses if answer.improved else leader
        praised.append(answer.improved and answer.value is not None and answer.value < 0.5)
    return np.array(praised)


def _thresholdout(right: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Those with an answer above 1/2; each vector has an accuracy on a training set of as many random labels, too."""
    looks, examples = right.shape
    mechanism, state, praised = Thresholdout.usual(examples, budget=looks), ThresholdoutState(), []
    noise = keyed(generator.bytes(32))
    training = generator.binomial(examples, 0.5, size=looks) / examples
    for seen, holdout in zip(training, right.mean(axis=1), strict=True):
        answer, state = mechanism.answer(state, float(seen), float(holdout), noise)
        praised.append(answer.value is not None and answer.value > 0.5)
    return np.array(praised)


def _votes(right: Signs, praised: NDArray[np.bool_], at: NDArray[np.int_]) -> NDArray[np.float64]:
    """Accuracy of the majority vote over the praised vectors among the first ones, for each number of looks in `at`."""
    votes = np.cumsum(np.where(praised[:, None], right[:-1], 0), axis=0, dtype=np.int32)[at - 1]
    return (2 * votes + right[-1] > 0).mean(axis=1)


def _signs(generator: np.random.Generator, shape: tuple[int, ...]) -> Signs:
    return (generator.integers(0, 2, size=shape, dtype=np.int8) * 2 - 1).astype(np.int8)


def _curve(values: NDArray[np.float64]) -> Curve:
    low, high = np.percentile(values, BAND, axis=0)
    return Curve(*(tuple(map(float, each)) for each in (values.mean(axis=0), low, high)))


def draw(attack: Attack, to: Path) -> None:
    """The curves as an SVG file."""
    drawing.draw(to, lambda figure: _fill(figure, attack))


def _fill(figure: Figure, attack: Attack) -> None:
    axes = figure.add_subplot()
    theory = [expected(attack.examples, looks) for looks in attack.looks]
    axes.plot(attack.looks, theory, color=drawing.DIM, linestyle=":", label="exact scores, expected: Φ(√(k / πn))")
    for way, curve in attack.curves.items():
        axes.plot(attack.looks, curve.mean, color=COLOURS[way], linewidth=2, label=way)
        axes.fill_between(attack.looks, curve.low, curve.high, color=COLOURS[way], alpha=0.15, linewidth=0)
    axes.axhline(0.5, color=drawing.INK, linestyle="--", linewidth=1, label="the truth, on fresh labels")
    title = "Majority vote over the random answers that looked good"
    drawing.plain(axes, title, "looks at the test set (k)", f"accuracy on the {attack.examples:,} sealed labels")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
