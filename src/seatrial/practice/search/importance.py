"""How much each hyperparameter matters for being among the best, with its interval and what chance alone would show.

Optuna's PED-ANOVA (Watanabe, Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary
Subspaces", 2023; for parameters that are not always there its conditional form, 2026) on candidates that were drawn at random: those near the best ones
would tell what the search liked, not what matters. The interval is the bootstrap over candidates. An estimate is above zero also
where nothing matters; so it is compared with its values for figures dealt out at random.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatrial.practice.search.candidates import Candidate, as_trials
from seatrial.practice.search.quietly import quietly

LEAST = 10  # candidates; below, the figures would say nothing
_REDRAWN = 60
_QUANTILE = 0.25  # the best quarter is what is to be reached


@dataclass(frozen=True, slots=True)
class Importance:
    """Of a hyperparameter: a share of all.

    low, high  90 % interval.
    by_chance  on the same scale: 95 % of what is found where nothing matters lies below.
    """

    name: str
    share: float
    low: float
    high: float
    by_chance: float

    @property
    def shown(self) -> bool:
        """Whether it is more than chance would show."""
        return self.share > self.by_chance


def importances(known: Sequence[Candidate], figures: Mapping[int, float], *, highest: bool) -> tuple[Importance, ...]:
    """The most important first; none where fewer than ten candidates have a figure.

    Args:
        figures: of the candidates by number.
    """
    usable = [each for each in known if math.isfinite(figures.get(each.number, math.nan))]
    names = sorted({name for each in usable for name in each.params})
    if len(usable) < LEAST or not names:
        return ()
    values = np.array([figures[each.number] for each in usable])
    generator = np.random.default_rng(0)
    redrawn: list[dict[str, float]] = []
    dealt: list[dict[str, float]] = []
    with quietly():
        found = _divergences(usable, values, highest)
        for _ in range(_REDRAWN):
            drawn = generator.integers(0, len(usable), len(usable))
            redrawn.append(_shares(_divergences([usable[at] for at in drawn], values[drawn], highest)))
            dealt.append(_divergences(usable, generator.permutation(values), highest))
    total = sum(found.values()) or 1.0
    made: list[Importance] = []
    for name in names:
        low, high = (float(each) for each in np.quantile([draw.get(name, 0.0) for draw in redrawn], [0.05, 0.95]))
        chance = float(np.quantile([draw.get(name, 0.0) for draw in dealt], 0.95)) / total
        made.append(Importance(name, found.get(name, 0.0) / total, low, high, chance))
    return tuple(sorted(made, key=lambda each: -each.share))


def _shares(divergences: dict[str, float]) -> dict[str, float]:
    total = sum(divergences.values()) or 1.0
    return {name: each / total for name, each in divergences.items()}


def _divergences(known: Sequence[Candidate], values: Any, highest: bool) -> dict[str, float]:
    """Of each parameter, how much its distribution among the best differs from that among all."""
    import optuna

    numbered = [Candidate(at, each.params, each.distributions) for at, each in enumerate(known)]
    study = optuna.create_study(direction="maximize" if highest else "minimize")
    study.add_trials(as_trials(numbered, dict(enumerate(values.tolist()))))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=_QUANTILE)
    return optuna.importance.get_param_importances(study, evaluator=evaluator, normalize=False)
