"""How much one remedy's figure differs from another's: over seeds, and over seeds and the examples that judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.comparison.compared import LEVEL, Compared
from seatrial.evaluation.comparison.contributions import of_groups_in, of_sums
from seatrial.evaluation.comparison.seeds import Difference, difference
from seatrial.evaluation.comparison.seeds_and_examples import crossed
from seatrial.evaluation.metrics.sums import Named, Sums
from seatrial.evaluation.thresholds.decisions import Decided
from seatrial.practice.imbalance.judging import Judged


@dataclass(frozen=True, slots=True)
class Against:
    """The first one's figure minus the second's.

    seeds  over seeds, the validation data taken as they are; its interval is widened for the number of pairs.
    all    over seeds and validation examples; None where some class has too few of these. `pairs` that are compared.
    """

    seeds: Difference
    all: Compared | None
    pairs: int

    @property
    def mean(self) -> float:
        return self.seeds.mean

    @property
    def shown(self) -> bool:
        """Whether neither other seeds nor, where that can be told, other examples explain it, all pairs counted (Bonferroni)."""
        return self.seeds.shown and (self.all is None or self.all.p * self.pairs < LEVEL)

    @property
    def better(self) -> bool:
        """Whether the first one is shown to do better."""
        return self.shown and self.mean > 0


def against(
    first: Sequence[Judged],
    second: Sequence[Judged],
    targets: NDArray[Any],
    metric: Decided,
    pairs: int,
    groups: NDArray[Any] | None = None,
) -> Against:
    """Compare the trainings of two remedies with the same seeds.

    Args:
        targets, groups: (n,) of the validation data.
    """
    over_seeds = difference([each.figure for each in first], [each.figure for each in second], pairs)
    try:
        one, other = (of_groups_in(_contributions(each, targets, metric), groups) for each in (first, second))
        over_all, _ = crossed(one, other, paired=True)
    except UsageProblem:
        return Against(over_seeds, None, pairs)
    return Against(over_seeds, over_all, pairs)


def _contributions(judged: Sequence[Judged], targets: NDArray[Any], metric: Decided) -> NDArray[Any]:
    """(seeds, n) what each validation example contributes to the figure."""
    return np.stack([of_sums(_sums(each, targets, metric), 0) for each in judged])


def _sums(judged: Judged, targets: NDArray[Any], metric: Decided) -> Sums:
    """The figure as a function of the confusion matrix, a sum over examples."""
    classes = judged.confusion.shape[-1]

    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return metric.of(sums.reshape(len(sums), classes, classes))[:, None]

    if judged.answers.ndim > 1:  # a confusion matrix for each example
        codes, table = np.arange(len(judged.answers)), judged.answers.reshape(len(judged.answers), -1)
    else:
        codes = targets.astype(np.int64) * classes + judged.answers.astype(np.int64)
        table = np.eye(classes * classes)
    return Sums((Named(metric.name),), function, codes, table)
