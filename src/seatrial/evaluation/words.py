"""An evaluation in sentences, the most important first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.evaluation.metrics.figure import Figure
from seatrial.numbers import counted, decimal, grouped, percent

if TYPE_CHECKING:
    from seatrial.evaluation.evaluation import Evaluation, OfClass

FEW_GROUPS = 20  # below it intervals of groups cover less than they claim (Cameron, Gelbach and Miller, Rev. Econ. Stat. 90, 2008)
CLEAR = 0.05  # chance below which a calibration error is none of chance
NAMED = 5  # slices that are told


def sentences(of: Evaluation) -> tuple[str, ...]:
    """All that is to be said."""
    found = [_headline(of), *of.remarks, *_trainings(of), *_baseline(of), *_groups(of), *_others(of), *_classes(of)]
    return (*found, *_calibration(of), *_slices(of), *_raters(of))


def told(figure: Figure) -> str:
    """A figure with its interval: "accuracy 0.962 (0.934 to 0.979)"."""
    if figure.interval is None:
        return f"{figure.name} {decimal(figure.value)}"
    return f"{figure.name} {decimal(figure.value)} ({decimal(figure.interval.low)} to {decimal(figure.interval.high)})"


# ---- inner steps -------------------------------------------------------------------------------------------------


def _headline(of: Evaluation) -> str:
    first = of.figures[0]
    where = f" of {of.data}" if of.data else ""
    interval = first.interval
    known = "no interval: nothing tells how far it scatters"
    if interval is not None:
        known = f"{decimal(of.level * 100, 6)} % interval {decimal(interval.low)} to {decimal(interval.high)}"
    against = "" if first.baseline is None else f"; {first.against} reaches {decimal(first.baseline)}"
    return f"On {_many(of.examples, 'example')}{where} the {first.name} is {decimal(first.value)} ({known}){against}."


def _many(number: int, thing: str) -> str:
    return counted(number, thing) if number < 10_000 else f"{grouped(number)} {thing}s"


def _trainings(of: Evaluation) -> list[str]:
    if len(of.seeds) < 2:
        return []
    spread = of.figures[0].spread
    told_spread = "" if spread is None else f", which scatter by {decimal(spread)} (standard deviation)"
    found = [
        f"That is the mean of {len(of.seeds)} trainings{told_spread}; the interval is that of this mean on other examples."
    ]
    if of.averaged:
        found.append(f"The averaged predictions of all reach {told(of.averaged[0])}.")
    return found


def _baseline(of: Evaluation) -> list[str]:
    missed = [each for each in of.figures if each.beats_baseline is False and each.baseline is not None]
    return [
        f"That the {each.name} is better than {each.against} ({decimal(each.baseline)}) is not shown."
        for each in missed[:NAMED]
        if each.baseline is not None
    ]


def _groups(of: Evaluation) -> list[str]:
    if of.groups is None:
        return []
    found = f"Examples come in {counted(of.groups, 'group')} and count as that many, since those of one group are not independent."
    if of.groups < FEW_GROUPS:
        found += f" With fewer than {FEW_GROUPS} groups intervals are too narrow rather than too wide."
    return [found]


def _others(of: Evaluation) -> list[str]:
    return [f"Also: {'; '.join(map(told, of.figures[1:]))}."] if len(of.figures) > 1 else []


def _classes(of: Evaluation) -> list[str]:
    known = [each for each in of.classes if each.examples and _recall(each) is not None]
    if len(known) < 2:
        return []
    worst = min(known, key=lambda each: each.figures[0].value)
    recall = worst.figures[0]
    return [f"Recognised least: {worst.name} ({_many(worst.examples, _unit(of))}), {told(recall)}."]


def _recall(of: OfClass) -> Figure | None:
    return of.figures[0] if of.figures and of.figures[0].name.startswith("recall") else None


def _unit(of: Evaluation) -> str:
    return "pixel" if of.kind == "segmentation" else "example"


def _calibration(of: Evaluation) -> list[str]:
    seen = of.calibration
    if seen is None:
        return []
    before, after = seen.before, seen.after
    chance = f"p = {decimal(before.chance)}" + (", examples taken for independent" if of.groups else "")
    if before.chance >= CLEAR:
        return [
            f"Calibration: no more off than chance would have it (expected calibration error {decimal(before.error)}, "
            f"{decimal(before.debiased)} without the part of chance, {chance})."
        ]
    way = "too sure" if seen.temperature > 1 else "not sure enough"
    found = (
        f"Calibration: the model is {way}; its probabilities are off by {percent(before.debiased)} on average "
        f"(expected calibration error without the part of chance, {chance})."
    )
    return [
        found,
        f"A temperature of {seen.temperature:.2f}, fitted on {seen.fitted_on}, makes that {percent(after.debiased)} and the log loss "
        f"{decimal(seen.log_loss_after)} instead of {decimal(seen.log_loss)}; answers stay as they are.",
    ]


def _slices(of: Evaluation) -> list[str]:
    seen = of.slices
    if seen is None or not seen.tried:
        return []
    if not seen.worse:
        return [f"Of {counted(seen.tried, 'slice')} none does worse than chance would have it."]
    lines = [
        f"{each.column} {each.value}: {seen.error} {decimal(each.error)} on {counted(each.examples, 'example')}, "
        f"{decimal(each.others)} elsewhere (p = {decimal(each.chance)}, all {seen.tried} slices counted)."
        for each in seen.worse[:NAMED]
    ]
    more = len(seen.worse) - NAMED
    return ["Worse than chance would have it: " + " ".join(lines) + (f" And {more} more." if more > 0 else "")]


def _raters(of: Evaluation) -> list[str]:
    seen = of.rated
    if seen is None:
        return []
    ties = f" ({counted(seen.ties, 'tie')} left out)" if seen.ties else ""
    machine, people, difference = seen.entropy
    verdict = "which of them is confused less is not shown"
    if difference.interval is not None and difference.interval.high < 0:
        verdict = "it is confused less than a rater is"
    elif difference.interval is not None and difference.interval.low > 0:
        verdict = "it is confused where people are not"
    return [
        f"{seen.raters} raters agree by {'; '.join(map(told, seen.agreement))}. Against their majority{ties}: {told(seen.majority[0])}.",
        f"Held against the other raters the model has an entropy of {decimal(machine.value)} bits, a rater {decimal(people.value)}: {verdict} "
        f"(difference {told(difference).removeprefix(difference.name + ' ')}).",
    ]
