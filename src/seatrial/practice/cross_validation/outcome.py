"""What a cross-validation has found, and what it says and does not say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seatrial.evaluation.comparison.compared import Compared
from seatrial.evaluation.comparison.cross_validated import corrected_t
from seatrial.numbers import decimal, percent


@dataclass(frozen=True, slots=True)
class Scored:
    """A training on all folds but one, measured on that one (nan: it diverged).

    trained, tested  examples. chosen: the candidate; inner: the mean of each candidate on the inner folds, of nested ones.
    """

    repeat: int
    fold: int
    trained: int
    tested: int
    score: float
    metrics: dict[str, float]
    chosen: str = ""
    inner: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """inner: folds within the folds, 0 where nothing was chosen. figure, highest: what was measured, and whether more is better."""

    task: str
    figure: str
    highest: bool
    folds: int
    repeats: int
    seed: int
    inner: int
    candidates: tuple[str, ...]
    scores: tuple[Scored, ...]
    grouped: bool

    @property
    def is_nested(self) -> bool:
        return self.inner > 0

    @property
    def known(self) -> list[float]:
        """Scores of trainings that did not diverge."""
        return [each.score for each in self.scores if math.isfinite(each.score)]

    @property
    def mean(self) -> float:
        """Over them; nan if there is none."""
        return float(np.mean(self.known)) if self.known else math.nan

    @property
    def interval(self) -> Compared | None:
        """Of the mean, as for the corrected resampled t test; None for fewer than two scores."""
        if len(self.known) < 2:
            return None
        return corrected_t(self.known, float(np.mean([each.tested / each.trained for each in self.scores])))

    @property
    def optimism(self) -> float:
        """How much better the chosen candidates looked where they were chosen (above 0: better); nan where nothing was chosen."""
        gaps = [each.inner[each.chosen] - each.score for each in self.scores if each.inner]
        gaps = [gap for gap in gaps if math.isfinite(gap)]
        return (1 if self.highest else -1) * float(np.mean(gaps)) if gaps else math.nan

    def said(self) -> list[str]:
        """The result in sentences."""
        return list(self._said())

    def limits(self) -> list[str]:
        """What must not be read into it."""
        return list(self._limits())

    def _said(self) -> Iterator[str]:
        found, times = self.interval, f"{self.repeats} times " if self.repeats > 1 else ""
        nested = f", a candidate chosen within each by {self.inner} folds" if self.is_nested else ""
        interval = "" if found is None else f" (about {decimal(found.low)} to {decimal(found.high)})"
        yield f"{self.figure} {decimal(self.mean)}{interval}, by {times}{self.folds} folds{nested}."
        if self.is_nested:
            counts = Counter(each.chosen for each in self.scores)
            told = ", ".join(f"{name} {count} times" for name, count in counts.most_common())
            yield f"Chosen: {told}. The figure is that of choosing so, not of one candidate."
            yield f"Where they were chosen, the winners looked better by {self.optimism:+.3g}; that is not in the figure."
        lost = len(self.scores) - len(self.known)
        if lost:
            yield f"{lost} of {len(self.scores)} trainings diverged and are not in the figure, which is too good by that."

    def _limits(self) -> Iterator[str]:
        yield (
            "The interval is an approximation (Nadeau and Bengio 2003): trainings share examples, and no unbiased estimate of the variance of "
            "k-fold cross-validation exists (Bengio and Grandvalet 2004). The spread of the folds over the root of their number is "
            "mostly too small."
        )
        yield (
            f"Each training has {percent(1 - 1 / self.folds)} of the examples, a part of which chooses its best epoch: one on all of them "
            "will rather be better."
        )
        if not self.is_nested:
            yield (
                "It measures this task as it is. If its settings were chosen by looking at such figures, they are too good: choose "
                "within the folds (nested, with candidates)."
            )
        if not self.grouped:
            yield "Examples are taken to be independent. If some belong together (a person, a series), give the task groups=."
        if self.repeats == 1:
            yield "Another division would give another figure: --repeats 5 and more show how much."
