"""All pairs of some methods compared, each by the test that its design calls for, and what so many comparisons cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from seatrial.evaluation.comparison import made
from seatrial.evaluation.comparison.compared import LEVEL
from seatrial.evaluation.comparison.designs import Choice, choose
from seatrial.evaluation.comparison.figures import Figure, figure
from seatrial.evaluation.comparison.made import Made
from seatrial.evaluation.comparison.many import holm
from seatrial.evaluation.comparison.methods import Method, Predicted, Scored
from seatrial.evaluation.comparison.results import Result
from seatrial.evaluation.comparison.values import refused


@dataclass(frozen=True, slots=True)
class Pair:
    """Two methods by name. adjusted: the p for all comparisons that were made, `of` so many of them."""

    first: str
    second: str
    design: str
    why: str
    result: Result
    adjusted: float
    of: int

    @property
    def is_shown(self) -> bool:
        """Whether the two differ, by the adjusted p."""
        return self.adjusted <= LEVEL


@dataclass(frozen=True, slots=True)
class Study:
    """What was compared, and by what.

    figure, higher   by which figure, and whether more of it is better.
    trainings        of each method, by name.
    earlier          comparisons on the same data that had been made before.
    looks            at these data through a vault that no comparison accounts for.
    """

    figure: str
    higher: bool
    trainings: dict[str, int]
    pairs: tuple[Pair, ...]
    earlier: int
    looks: int = 0


def compare(
    methods: Sequence[Method],
    by: str = "",
    *,
    independent: bool = False,
    mid: bool = False,
    counted: Path | None = None,
    looks: int = 0,
) -> Study:
    """Compare some methods, all pairs.

    Args:
        methods: two or more, with names of their own.
        by: the figure; "": accuracy of classes, mean absolute error of a regression (see `figures`). Not for scores.
        independent, mid: see `designs.choose`.
        counted: the file in which comparisons are counted; nothing is counted but this study if none is given.
        looks: at the same test data, as the ledger of a vault counts them.

    Raises:
        UsageProblem: they cannot be compared; before anything is computed or counted.
    """
    _check(methods)
    chosen = _figure(methods, by)
    choices = [
        (one, other, choose(one, other, chosen, independent=independent, mid=mid))
        for one, other in combinations(methods, 2)
    ]
    before = made.read(counted) if counted else []
    name, higher = (chosen.name, chosen.higher) if chosen else _scored_figure(methods)
    # The level that a first guess of the number of comparisons leaves, for how many runs would be needed.
    level = LEVEL / max(1, len(choices) + len(before))
    results = [choice.run(level) for _, _, choice in choices]
    now = [_made(one, other, name, result) for (one, other, _), result in zip(choices, results, strict=True)]
    data = {each.data for each in now}
    keys = {each.key for each in now}
    earlier = [each for each in before if each.data in data and each.key not in keys]
    unknown = _unaccounted(methods, earlier, looks)
    adjusted = holm([*(each.p for each in now), *(each.p for each in earlier)], unknown)
    pairs = tuple(
        _pair(one, other, choice, result, float(p), len(now) + len(earlier) + unknown)
        for (one, other, choice), result, p in zip(choices, results, adjusted, strict=False)
    )
    if counted:
        made.add(counted, now)
    return Study(name, higher, {each.name: _trainings(each) for each in methods}, pairs, len(earlier), unknown)


# ---- inner steps -----------------------------------------------------------------------------------------------------


def _check(methods: Sequence[Method]) -> None:
    names = [each.name for each in methods]
    if len(methods) < 2:
        raise refused(
            "at least two methods", ", ".join(names) or "none", "compare-few", "Name the files of another one."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        hint = "Name them: NAME=PATH."
        raise refused("methods with names of their own", f"{twice[0]!r} more than once", "compare-names", hint)
    for each in methods:
        if not _trainings(each):
            raise refused(f"a training of {each.name} at least", "none", "compare-few")


def _trainings(method: Method) -> int:
    return len(method.trainings) if isinstance(method, Predicted) else len(method.scores)


def _figure(methods: Sequence[Method], by: str) -> Figure | None:
    tables = [each for each in methods if isinstance(each, Predicted)]
    if tables:
        return figure(by, tables[0].trainings[0].kind)
    if by:
        hint = "Leave the figure out: scores are compared as they are."
        raise refused(
            "predictions to compute a figure of", f"scores only, and the figure {by!r}", "compare-figure", hint
        )
    return None


def _scored_figure(methods: Sequence[Method]) -> tuple[str, bool]:
    scored = [each for each in methods if isinstance(each, Scored)]
    return scored[0].figure, scored[0].higher


def _made(one: Method, other: Method, name: str, result: Result) -> Made:
    data = sorted({made.data_of(one), made.data_of(other)})
    test = result.compared.test.split(",")[0] if "draws" in result.compared.test else result.compared.test
    p = result.compared.p if math.isfinite(result.compared.p) else 1.0
    return Made("+".join(data), name, (one.name, other.name), (made.model_of(one), made.model_of(other)), test, p)


def _unaccounted(methods: Sequence[Method], earlier: Sequence[Made], looks: int) -> int:
    """Looks of a vault beyond the trainings that are compared here and the methods that were compared before: each may have been
    compared with something."""
    known = {model for each in methods if isinstance(each, Predicted) for model in made.models_of(each)}
    methods_before = {model for each in earlier for model in each.models} - {made.model_of(each) for each in methods}
    return max(0, looks - len(known) - len(methods_before))


def _pair(one: Method, other: Method, choice: Choice, result: Result, adjusted: float, of: int) -> Pair:
    return Pair(one.name, other.name, choice.design, choice.why, result, adjusted, of)
