"""What a comparison of methods supports, and what it does not, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.evaluation.comparison.better import MEANINGFUL
from seatrial.evaluation.comparison.study import Pair, Study
from seatrial.numbers import decimal, percent

_MOST = 1e7  # examples that nobody will have


def supported(study: Study) -> list[str]:
    """Some sentences for each pair."""
    return [" ".join(_pair(study, pair)) for pair in study.pairs]


def unsupported(study: Study) -> list[str]:
    """What must not be read into it."""
    return list(_limits(study))


def _pair(study: Study, pair: Pair) -> Iterator[str]:
    found = pair.result.compared
    yield _verdict(study, pair)
    yield f"{_p(pair)} ({found.test}, {found.n:,} {found.unit})."
    if pair.result.better is not None:
        yield _better(pair)
    if not pair.is_shown and found.effect:
        yield _needed(pair)
    if pair.is_shown and (found.low <= 0 <= found.high):
        yield "The interval is by another method than the test, and does not exclude zero: a narrow decision."


def _verdict(study: Study, pair: Pair) -> str:
    found = pair.result.compared
    figures = dict(zip((pair.first, pair.second), pair.result.figures, strict=True))
    gap = f"difference {found.effect:+.3g}"
    if math.isfinite(found.low):
        gap += f", {percent(found.level)} interval {found.low:+.3g} to {found.high:+.3g}"
    if not pair.is_shown:
        if (not found.effect and found.low == found.high) or (found.p == 1 and not math.isfinite(found.low)):
            return f"{pair.first} and {pair.second} do not differ in {study.figure} ({decimal(figures[pair.first])})."
        values = f"{decimal(figures[pair.first])} and {decimal(figures[pair.second])}"
        return f"Not shown that {pair.first} and {pair.second} differ in {study.figure}: {values} ({gap})."
    first_is_better = (found.effect > 0) == study.higher
    better, worse = (pair.first, pair.second) if first_is_better else (pair.second, pair.first)
    return f"{better} is better than {worse} in {study.figure}: {decimal(figures[better])} against {decimal(figures[worse])} ({gap})."


def _p(pair: Pair) -> str:
    p = pair.result.compared.p
    return (
        f"p = {decimal(p, 3)}"
        if pair.of == 1
        else f"p = {decimal(p, 3)}, after Holm for {pair.of} comparisons {decimal(pair.adjusted, 3)}"
    )


def _better(pair: Pair) -> str:
    known = pair.result.better
    assert known is not None
    first, second, chances = pair.first, pair.second, (known.probability, known.low, known.high)
    if known.probability < 0.5:
        first, second, chances = second, first, (1 - known.probability, 1 - known.high, 1 - known.low)
    said = (
        f"A new training of {first} does better than one of {second} with probability {chances[0]:.2f} "
        f"(95 % interval {chances[1]:.2f} to {chances[2]:.2f})"
    )
    if pair.is_shown and not known.is_meaningful:
        return f"{said}: shown, but so small that a single training hardly profits ({MEANINGFUL} is taken for one that matters)."
    return f"{said}."


def _needed(pair: Pair) -> str:
    needed = pair.result.needed
    far = "Not enough to tell."
    if needed.exhausted:
        return f"{far} Were the difference real, more {needed.what} alone would not show it: {needed.exhausted}."
    if not math.isfinite(needed.count) or needed.count > _MOST:
        return f"{far} The difference seen is so small that no reasonable number of {needed.what} would show it, were it real."
    return f"{far} Were the difference real, about {needed.count:,.0f} {needed.what} would be needed to show it."


def _limits(study: Study) -> Iterator[str]:
    assumed = dict.fromkeys(pair.result.compared.assumes for pair in study.pairs)
    yield from assumed
    count = study.pairs[0].of
    if count > 1:
        yield (
            f"p is adjusted for {count} comparisons"
            + (f", {study.earlier} of which had been made before on the same data" if study.earlier else "")
            + (
                f", {study.looks} of which are looks in the vault's ledger that nothing else accounts for"
                if study.looks
                else ""
            )
            + ". The intervals are each for its pair alone."
        )
    if any(pair.result.better is None and "one training" in pair.design for pair in study.pairs):
        yield (
            "One training each: another seed may reverse the result. To say something of the methods, train each with several "
            "seeds and give all tables."
        )
    few = [name for name, trainings in study.trainings.items() if 1 < trainings < 5]
    if few and any(pair.result.better is not None for pair in study.pairs):
        yield f"Few trainings ({', '.join(f'{study.trainings[name]} of {name}' for name in few)}) tell their spread badly; 5 to 10 are better."
