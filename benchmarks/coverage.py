"""How often 95 % intervals hold the true value: 10,000 data sets drawn from a known truth for each line.

    python benchmarks/coverage.py [--draws 10000] [--resamples 1000] [--seconds 300] [--workers 2] [NAME...]

Each line: what is measured, on how many examples (or groups of examples), by which method, the coverage with its own standard error, and how
often the truth lay below and above the interval. Data sets without an interval (nothing scattered) are counted as not covered. A line stops early
when its share of the time is used up, and says over how many draws it speaks. The script exits with 1 where a coverage is more than 1.5
points off 95 % (Clopper and Pearson's interval may be above).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from seatrial.evaluation.intervals.bootstrap import bootstrap
from seatrial.evaluation.intervals.cells import Cells
from seatrial.evaluation.intervals.interval import Interval
from seatrial.evaluation.intervals.means import linear
from seatrial.evaluation.intervals.shares import clopper_pearson, wilson
from seatrial.evaluation.metrics import classes, probabilities, values
from seatrial.evaluation.metrics.ranking import area, placements
from seatrial.evaluation.metrics.sums import Sums
from seatrial.evaluation.predictions import Predictions

ALLOWED = 0.015
Draw = Callable[[np.random.Generator], tuple[Interval | None, float]]


@dataclass(frozen=True)
class Case:
    """draw: one data set's interval and the true value."""

    name: str
    units: str
    method: str
    draw: Draw
    at_least: bool = False


def of_sums(sums: Sums, at: int, resamples: int, groups: np.ndarray | None = None) -> Interval | None:
    cells = Cells.coded(sums.codes, sums.table, groups)
    return bootstrap(lambda drawn: sums.function(drawn)[:, at], cells, resamples=resamples)[0]


# ---- truths ------------------------------------------------------------------------------------------------------

RECALLS = np.array([[0.80, 0.15, 0.05], [0.10, 0.70, 0.20], [0.10, 0.30, 0.60]])  # of the class of the row
SHARES = np.array([0.6, 0.3, 0.1])


def in_classes(count: int, at: int, truth: float, resamples: int) -> Draw:
    """Classes 0, 1, 2 with the confusions above."""

    def draw(generator: np.random.Generator) -> tuple[Interval | None, float]:
        targets = generator.choice(3, count, p=SHARES)
        labels = (generator.random(count)[:, None] > RECALLS[targets].cumsum(axis=1)).sum(axis=1).clip(0, 2)
        sums = classes.overall(Predictions("multiclass", targets, np.eye(3)[labels], np.arange(count)))
        return of_sums(sums, at, resamples), truth

    return draw


def true_of_classes() -> dict[str, float]:
    joint = SHARES[:, None] * RECALLS
    hits, true, called = np.diag(joint), joint.sum(axis=1), joint.sum(axis=0)
    above = hits.sum() - (true * called).sum()
    below = math.sqrt((1 - (true**2).sum()) * (1 - (called**2).sum()))
    return {
        "balanced accuracy": float((hits / true).mean()),
        "macro F1": float((2 * hits / (true + called)).mean()),
        "Matthews correlation": float(above / below),
    }


def share(count: int, interval: Callable[[int, int], Interval]) -> Draw:
    """The true share is drawn too: at a single one the coverage of any interval swings with rounding."""
    known = [interval(right, count) for right in range(count + 1)]

    def draw(generator: np.random.Generator) -> tuple[Interval | None, float]:
        truth = generator.uniform(0.5, 1)
        return known[generator.binomial(count, truth)], truth

    return draw


def binary_f1(count: int, resamples: int) -> Draw:
    joint = np.array([0.70, 0.06, 0.08, 0.16])  # 00, 01, 10, 11
    table = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 1, 1]], dtype=float)
    truth = 2 * joint[3] / (joint[1] + joint[2] + 2 * joint[3])

    def draw(generator: np.random.Generator) -> tuple[Interval | None, float]:
        cells = Cells(table, generator.multinomial(count, joint))
        return bootstrap(lambda s: 2 * s[:, 0] / (s[:, 1] + s[:, 2]), cells, resamples=resamples)[0], float(truth)

    return draw


def ranking(count: int, resamples: int, delong: bool) -> Draw:
    distance = 1.5
    truth = float(ndtr(distance / math.sqrt(2)))

    def draw(generator: np.random.Generator) -> tuple[Interval | None, float]:
        positive = generator.random(count) < 0.4
        scores = generator.normal(size=count) + distance * positive
        if delong:
            found, influences = placements(positive, scores)
            return linear(found, influences, None, 0.95, "DeLong"), truth
        return of_sums(area(positive, scores), 0, resamples), truth

    return draw


def regression(count: int, at: int, truth: float, resamples: int) -> Draw:
    def draw(generator: np.random.Generator) -> tuple[Interval | None, float]:
        targets = generator.normal(size=count) * 2
        answers = targets + generator.normal(size=count)
        return of_sums(
            values.overall(Predictions("regression", targets, answers, np.arange(count))), at, resamples
        ), truth

    return draw


def log_loss(count: int, resamples: int) -> Draw:
    """Of a calibrated model whose logits are normal."""
    grid = np.linspace(-8, 8, 4001)
    chance = 1 / (1 + np.exp(-1.5 * grid))
    entropy = -chance * np.log(chance) - (1 - chance) * np.log1p(-chance)
    weight = np.exp(-(grid**2) / 2)
    truth = float((entropy * weight).sum() / weight.sum())

    def draw(generator: np.random.Generator) -> tuple[Interval | None, float]:
        scores = 1 / (1 + np.exp(-1.5 * generator.normal(size=count)))
        targets = (generator.random(count) < scores).astype(np.int64)
        return of_sums(
            probabilities.proper(Predictions("binary", targets, scores, np.arange(count))), 0, resamples
        ), truth

    return draw


def grouped(groups: int, resamples: int) -> Draw:
    """Accuracy on groups of 5 to 15 examples whose share of right ones differs: beta(8, 2), mean 0.8."""

    def draw(generator: np.random.Generator) -> tuple[Interval | None, float]:
        sizes = generator.integers(5, 16, groups)
        group = np.repeat(np.arange(groups), sizes)
        right = generator.random(len(group)) < generator.beta(8, 2, groups)[group]
        cells = Cells.coded(right.astype(np.int64), np.array([[0.0, 1], [1, 1]]), group)
        return bootstrap(lambda s: s[:, 0] / s[:, 1], cells, resamples=resamples)[0], 0.8

    return draw


def cases(resamples: int) -> list[Case]:
    true = true_of_classes()
    bca = "bootstrap BCa"
    return [
        Case("accuracy", "50 examples", "Wilson", share(50, wilson)),
        Case("accuracy", "500 examples", "Wilson", share(500, wilson)),
        Case("accuracy", "50 examples", "Clopper-Pearson", share(50, clopper_pearson), at_least=True),
        Case("F1", "200 examples", bca, binary_f1(200, resamples)),
        Case("balanced accuracy", "200 examples", bca, in_classes(200, 1, true["balanced accuracy"], resamples)),
        Case("macro F1", "200 examples", bca, in_classes(200, 2, true["macro F1"], resamples)),
        Case("Matthews", "200 examples", bca, in_classes(200, 3, true["Matthews correlation"], resamples)),
        Case("ROC AUC", "100 examples", bca, ranking(100, resamples, False)),
        Case("ROC AUC", "500 examples", "DeLong", ranking(500, resamples, True)),
        Case("log loss", "100 examples", bca, log_loss(100, resamples)),
        Case("RMSE", "100 examples", bca, regression(100, 0, 1.0, resamples)),
        Case("R squared", "200 examples", bca, regression(200, 2, 0.75, resamples)),
        Case("accuracy", "20 groups", bca, grouped(20, resamples)),
        Case("accuracy", "50 groups", bca, grouped(50, resamples)),
    ]


# ---- the table ---------------------------------------------------------------------------------------------------


def line(number: int, draws: int, resamples: int, seconds: float) -> tuple[str, bool]:
    """A line of the table, and whether the coverage is what it should be."""
    case = cases(resamples)[number]
    generator = np.random.default_rng(0)
    until = time.monotonic() + seconds
    below = above = missing = done = 0
    while done < draws and time.monotonic() < until:
        interval, truth = case.draw(generator)
        done += 1
        if interval is None:
            missing += 1
            continue
        below += truth < interval.low
        above += truth > interval.high
    covered = 1 - (below + above + missing) / done
    error = math.sqrt(max(covered * (1 - covered), 1e-9) / done)
    good = abs(covered - 0.95) <= ALLOWED or (case.at_least and covered > 0.95)
    told = (
        f"{case.name:18}{case.units:14}{case.method:17}{covered:9.2%} +- {error:.2%}{below / done:10.2%}{above / done:10.2%}"
        f"{missing:9}{done:9,}{'' if good else '   off'}"
    )
    return told, good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=300.0, help="for all of it, about")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("names", nargs="*", help="only these")
    chosen = parser.parse_args()
    known = [at for at, each in enumerate(cases(1)) if not chosen.names or each.name in chosen.names]
    # Cheap lines leave their time to others.
    seconds = 2 * chosen.seconds * chosen.workers / len(known)
    print(f"{'':49}{'coverage':>9}{'':9}{'below':>10}{'above':>10}{'missing':>9}{'draws':>9}", flush=True)
    good: list[bool] = []
    with ProcessPoolExecutor(chosen.workers) as pool:
        made = [pool.submit(line, at, chosen.draws, chosen.resamples, seconds) for at in known]
        for each in made:
            told, right = each.result()
            print(told, flush=True)
            good.append(right)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
