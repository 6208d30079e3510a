"""Curves of a run as plain data: losses, evaluations, learning rates, gradients and updates, thinned for drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from seatrial.events import ParameterInfo
from seatrial.history import Run, Series

MOST_POINTS = 500  # a curve: more than a screen has columns, few enough that a report stays small
SMOOTH_FROM = 80  # points: below that a curve can be read as it is


@dataclass(frozen=True, slots=True)
class Curve:
    """Values over ticks (steps, or learning rates). `kind`: how it is drawn: raw | faint | smooth | evaluation | steps."""

    label: str
    ticks: tuple[float, ...]
    values: tuple[float, ...]
    kind: str = "raw"


@dataclass(frozen=True, slots=True)
class ParameterCurves:
    """What the full looks saw of one parameter: norm of its gradient, norm of its update over that of the weights."""

    path: str
    shape: tuple[int, ...]
    weight_norm: float
    gradient: Curve
    update: Curve


def thin(curve: Curve, most: int = MOST_POINTS) -> Curve:
    """A curve of at most `most` finite points that looks the same: of each stretch the lowest and the highest stay."""
    curve = finite(curve)
    if len(curve.ticks) <= most:
        return curve
    points = list(zip(curve.ticks, curve.values, strict=True))
    size = math.ceil(len(points) / (most // 2))
    stretches = [points[at : at + size] for at in range(0, len(points), size)]
    ends = ({min(part, key=_value), max(part, key=_value)} for part in stretches)
    points = [point for pair in ends for point in sorted(pair)]
    return Curve(curve.label, tuple(tick for tick, _ in points), tuple(value for _, value in points), curve.kind)


def finite(curve: Curve) -> Curve:
    """A curve without values that are not finite: those are told in words, by the rules."""
    if all(map(math.isfinite, curve.values)):
        return curve
    points = [(tick, value) for tick, value in zip(curve.ticks, curve.values, strict=True) if math.isfinite(value)]
    return replace(curve, ticks=tuple(tick for tick, _ in points), values=tuple(value for _, value in points))


def _value(point: tuple[float, float]) -> float:
    return point[1]


def smooth(curve: Curve, points: int = 120, share: float = 0.06) -> Curve:
    """The trend below the noise: at most `points` means, each over a stretch of `share` of the curve around it."""
    count = len(curve.values)
    sums = list(accumulate(curve.values, initial=0.0))
    reach = max(1, int(count * share / 2))
    middles = sorted({round(at * (count - 1) / (points - 1)) for at in range(points)})
    ends = [(max(0, at - reach), min(count, at + reach + 1)) for at in middles]
    values = tuple((sums[end] - sums[start]) / (end - start) for start, end in ends)
    return Curve(curve.label, tuple(curve.ticks[at] for at in middles), values, "smooth")


def losses(run: Run) -> tuple[Curve, ...]:
    """The training losses as they were, their trend where they are long, and what evaluations said."""
    found: list[Curve] = []
    for call, series in run.losses.items():
        raw = finite(Curve(_call_label(run, call), series.ticks, series.values))
        if len(raw.ticks) < SMOOTH_FROM:
            found.append(raw)
        else:
            found += [replace(thin(raw), kind="faint"), smooth(raw)]
    return (*found, *_evaluations(run))


def _call_label(run: Run, call: int) -> str:
    seen = run.calls.get(call)
    if len(run.losses) == 1 or seen is None or seen.where is None:
        return "training loss"
    return f"training loss, line {seen.where.line}"


def _evaluations(run: Run) -> list[Curve]:
    series: dict[str, list[tuple[int, float]]] = {}
    for each in run.passes:
        for name, value in each.losses.items():
            line = f", line {each.where.line}" if each.where else ""
            what = {"val": "validation", "": "evaluation"}.get(each.label, each.label)
            series.setdefault(f"{what} ({name}{line})", []).append((each.tick, value))
    curves = [
        Curve(label, tuple(tick for tick, _ in points), tuple(value for _, value in points), "evaluation")
        for label, points in series.items()
    ]
    return [thin(curve) for curve in curves]


def learning_rates(run: Run, constant: bool = False) -> tuple[Curve, ...]:
    """The learning rate of each param group that changes it, as steps up to the end of the run. `constant`: also of the others."""
    return tuple(
        thin(held(f"optimizer {optimizer}, group {group}", series, run.ticks))
        for (optimizer, group, name), series in run.settings.items()
        if name == "lr" and (constant or len(set(series.values)) > 1)
    )


def constant_rates(run: Run) -> tuple[float, ...]:
    """The learning rates that never change, each once."""
    rates = [s.values[0] for (_, _, name), s in run.settings.items() if name == "lr" and len(set(s.values)) == 1]
    return tuple(dict.fromkeys(rates))


def held(label: str, series: Series, end: int) -> Curve:
    """Values that each hold until the next, as steps up to the end of the run."""
    return Curve(label, (*series.ticks, max(end, series.ticks[-1])), (*series.values, series.values[-1]), "steps")


def gradient_norms(run: Run) -> tuple[Curve, ...]:
    """The norm of the whole gradient at each full look, a curve an optimizer."""
    found: dict[int, list[tuple[int, float]]] = {}
    for look in run.looks:
        squares = [norm * norm for norm in look.gradient_norm if math.isfinite(norm)]
        if squares:
            found.setdefault(look.optimizer, []).append((look.tick, math.sqrt(sum(squares))))
    return tuple(
        thin(_from_points("gradient norm" if len(found) == 1 else f"optimizer {optimizer}", points))
        for optimizer, points in found.items()
    )


def parameters(run: Run) -> tuple[ParameterCurves, ...]:
    """What the looks saw of each parameter, in the order of the optimizers."""
    seen: dict[int, list[tuple[int, float, float, float]]] = {}
    for look in run.looks:
        for at, parameter in enumerate(look.parameters):
            row = (look.tick, look.gradient_norm[at], look.update_norm[at], look.weight_norm[at])
            seen.setdefault(parameter, []).append(row)
    known = {each.parameter: each for model in run.models.values() for each in model.parameters}
    return tuple(_parameter(parameter, known.get(parameter), rows) for parameter, rows in seen.items())


def _parameter(
    parameter: int, known: ParameterInfo | None, rows: Sequence[tuple[int, float, float, float]]
) -> ParameterCurves:
    gradient = _from_points("gradient", [(tick, norm) for tick, norm, _, _ in rows])
    update = _from_points("update", [(tick, change / weight) for tick, _, change, weight in rows if weight > 0])
    path, shape = (known.path, known.shape) if known else (f"parameter {parameter}", ())
    return ParameterCurves(path, shape, rows[-1][3], thin(gradient, 60), thin(update, 60))


def _from_points(label: str, points: Sequence[tuple[int, float]]) -> Curve:
    return Curve(label, tuple(tick for tick, _ in points), tuple(value for _, value in points))
