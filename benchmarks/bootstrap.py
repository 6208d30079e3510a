"""Bootstrap intervals of accuracy, F1 and AUC over a million predictions with 2,000 resamples: seatrial beside scipy and torchmetrics.

    python benchmarks/bootstrap.py [--examples 1000000] [--resamples 2000] [--full]

Two tables.

*Agreement*, on 5,000 predictions with 2,000 resamples of everything: the ends of seatrial's percentile interval against those of
scipy.stats.bootstrap and of torchmetrics' BootStrapper (its own quantiles), as differences in units of the Monte Carlo error of such an
end. That error is known: sqrt(q (1 - q) / resamples) / density, here of a difference of two of them. Beyond 4 the script exits with 1.

*Speed*, on a million: seatrial makes all resamples (and BCa with its jackknife, which the others cannot make at that size). The others make
so many resamples as fit in 20 seconds each and are taken to cost the same for each further one; --full makes all of them (about
half an hour). Turns alternate. The statistic that scipy gets is as fast as we know how to write it for arrays: sums of booleans for accuracy
and F1, scikit-learn's roc_auc_score for AUC.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from scipy import stats
from scipy.special import ndtri
from sklearn.metrics import roc_auc_score
from torchmetrics.classification import BinaryAccuracy, BinaryAUROC, BinaryF1Score
from torchmetrics.wrappers import BootStrapper

from seatrial.evaluation.intervals.bootstrap import bootstrap
from seatrial.evaluation.intervals.cells import Cells
from seatrial.evaluation.intervals.interval import Interval
from seatrial.evaluation.metrics.ranking import area

Ends = tuple[float, float]
SECONDS = 20.0
FACTOR = 50  # what is claimed
NAMES = ("accuracy", "F1", "AUC")
# What each pair of target and answer, 00, 01, 10, 11, adds to: both positive, target, answer, right, all.
KINDS = np.array([[0, 0, 0, 1, 1], [0, 0, 1, 0, 1], [0, 1, 0, 0, 1], [1, 1, 1, 1, 1]], dtype=float)


def data(examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets and scores of a rather good binary classifier, one in five positive."""
    generator = np.random.default_rng(0)
    targets = generator.random(examples) < 0.2
    logits = generator.normal(size=examples) + 2 * targets - 1.5
    return targets, 1 / (1 + np.exp(-logits))


# ---- seatrial ----------------------------------------------------------------------------------------------------


def ours(name: str, targets: np.ndarray, scores: np.ndarray, resamples: int, method: str) -> Interval:
    """From the raw arrays, all that it takes."""
    if name == "AUC":
        sums = area(targets, scores)
        function, cells = sums.function, Cells.coded(sums.codes, sums.table)
    else:
        function = {"accuracy": lambda s: s[:, 3] / s[:, 4], "F1": lambda s: 2 * s[:, 0] / (s[:, 1] + s[:, 2])}[name]
        cells = Cells.coded(2 * targets.astype(np.int64) + (scores >= 0.5), KINDS)
    found = bootstrap(function, cells, resamples=resamples, method=method, expanded=False, seed=1)[0]
    assert found is not None
    return found


# ---- the others --------------------------------------------------------------------------------------------------


def accuracy(targets: np.ndarray, called: np.ndarray, axis: int = -1) -> np.ndarray:
    return (targets == called).mean(axis=axis)


def f1(targets: np.ndarray, called: np.ndarray, axis: int = -1) -> np.ndarray:
    return 2 * (targets & called).sum(axis=axis) / (targets.sum(axis=axis) + called.sum(axis=axis))


def by_scipy(name: str, targets: np.ndarray, scores: np.ndarray, resamples: int) -> Ends:
    fast = name != "AUC"
    statistic = {"accuracy": accuracy, "F1": f1, "AUC": roc_auc_score}[name]
    second = scores >= 0.5 if fast else scores
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = stats.bootstrap(
            (targets, second),
            statistic,
            paired=True,
            vectorized=fast,
            method="percentile",
            n_resamples=resamples,
            batch=max(1, 4_000_000 // len(targets)),
            rng=np.random.default_rng(2),
        )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def by_torchmetrics(name: str, targets: np.ndarray, scores: np.ndarray, resamples: int) -> Ends:
    torch.manual_seed(3)
    metric = {"accuracy": BinaryAccuracy, "F1": BinaryF1Score, "AUC": BinaryAUROC}[name](validate_args=False)
    boot = BootStrapper(
        metric,
        num_bootstraps=resamples,
        mean=False,
        std=False,
        quantile=torch.tensor([0.025, 0.975]),
        sampling_strategy="multinomial",
    )
    boot.update(torch.from_numpy(scores), torch.from_numpy(targets.astype(np.int64)))
    low, high = boot.compute()["quantile"].tolist()
    return low, high


PEERS: dict[str, Callable[..., Ends]] = {"scipy": by_scipy, "torchmetrics": by_torchmetrics}


# ---- the tables --------------------------------------------------------------------------------------------------


def agreement(examples: int, resamples: int) -> float:
    """Print how the ends of intervals differ, in Monte Carlo errors; the largest of all."""
    targets, scores = data(examples)
    print(f"Agreement: {examples:,} predictions, {resamples:,} resamples, 95 % percentile intervals")
    print(f"{'':10}{'':14}{'low':>10}{'high':>10}{'differ by (Monte Carlo errors)':>34}")
    largest = 0.0
    for name in NAMES:
        mine = ours(name, targets, scores, resamples, "percentile")
        spread = (mine.high - mine.low) / (2 * ndtri(0.975))
        density = math.exp(-(ndtri(0.975) ** 2) / 2) / math.sqrt(2 * math.pi)
        error = math.sqrt(2) * math.sqrt(0.025 * 0.975 / resamples) / density * spread
        print(f"{name:10}{'seatrial':14}{mine.low:10.5f}{mine.high:10.5f}")
        for peer, function in PEERS.items():
            low, high = function(name, targets, scores, resamples)
            apart = [(mine.low - low) / error, (mine.high - high) / error]
            largest = max(largest, *map(abs, apart))
            print(f"{'':10}{peer:14}{low:10.5f}{high:10.5f}{apart[0]:20.2f}{apart[1]:14.2f}")
    return largest


def speed(examples: int, resamples: int, full: bool) -> float:
    """Print the times; the smallest ratio of all."""
    targets, scores = data(examples)
    print(
        f"\nSpeed: {examples:,} predictions, {resamples:,} resamples; seatrial's are BCa, the others' percentile intervals"
    )
    print(f"{'':10}{'':14}{'seconds':>12}{'ratio':>10}  measured over")
    smallest = math.inf
    for name in NAMES:
        ours(name, targets[:1000], scores[:1000], 100, "bca")  # imports
        took = [_time(lambda n=name: ours(n, targets, scores, resamples, "bca"))]
        whole = {}
        for peer, function in PEERS.items():
            number = resamples if full else _fitting(function, name, targets, scores, resamples)
            seconds = _time(lambda f=function, n=name, r=number: f(n, targets, scores, r))
            whole[peer] = seconds * resamples / number, number
            took.append(_time(lambda n=name: ours(n, targets, scores, resamples, "bca")))
        mine = float(np.median(took))
        print(f"{name:10}{'seatrial':14}{mine:12.3f}{'':10}  all of them, {len(took)} times, alternating")
        for peer, (seconds, number) in whole.items():
            smallest = min(smallest, seconds / mine)
            print(f"{'':10}{peer:14}{seconds:12.1f}{seconds / mine:10.0f}  {number:,} resamples")
    return smallest


def _fitting(function: Callable[..., Ends], name: str, targets: np.ndarray, scores: np.ndarray, most: int) -> int:
    """So many resamples as fit in SECONDS, by what three take."""
    each = _time(lambda: function(name, targets, scores, 3)) / 3
    return int(min(most, max(3, SECONDS / each)))


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--resamples", type=int, default=2_000)
    parser.add_argument("--full", action="store_true", help="all resamples of the others too")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    apart = agreement(5_000, 2_000)
    factor = speed(chosen.examples, chosen.resamples, chosen.full)
    print(f"\nLargest difference {apart:.2f} Monte Carlo errors; smallest ratio {factor:.0f} (claimed: {FACTOR}).")
    return 0 if apart < 4 and factor >= FACTOR else 1


if __name__ == "__main__":
    sys.exit(main())
