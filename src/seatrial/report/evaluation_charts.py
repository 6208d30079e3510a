"""The charts of an evaluation: reliability, precision over recall, recall of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seatrial.numbers import decimal
from seatrial.report.charts import Axis, Chart, Tick, columns, field, nice
from seatrial.report.curves import Curve

ROOM = 0.02
MOST_LINES = 6  # that a chart has colours for


def charts(of: Mapping[str, Any]) -> list[Chart]:
    """Those for which there are figures. `of`: what `Evaluation.as_data` gives."""
    found = [_recalls(of), _reliability(of), _precision(of)]
    return [each for each in found if each is not None]


def _recalls(of: Mapping[str, Any]) -> Chart | None:
    groups = [
        (each["name"], [each["figures"][0]["value"]]) for each in of["classes"] if each["figures"] and each["examples"]
    ]
    if len(groups) < 2 or of["kind"] == "regression":
        return None
    overall = {each["name"]: each["value"] for each in of["figures"]}
    marks = [("accuracy", overall["accuracy"])] if "accuracy" in overall else []
    return columns("Recall of each class", groups, marks, bars=True)


def _reliability(of: Mapping[str, Any]) -> Chart | None:
    seen = of["calibration"]
    if seen is None:
        return None
    bins = seen["before"]["bins"]
    told = [each["confidence"] for each in bins]
    curves = [
        Curve("as it is", tuple(told), tuple(each["right"] for each in bins), "evaluation"),
        _line("if calibrated, 95 % of draws", told, [each["low"] for each in bins]),
        _line("if calibrated, 95 % of draws", told, [each["high"] for each in bins]),
        Curve(
            f"temperature {seen['temperature']:.2f}",
            tuple(each["confidence"] for each in seen["after"]["bins"]),
            tuple(each["right"] for each in seen["after"]["bins"]),
            "evaluation",
        ),
    ]
    low = min(min(curve.ticks) for curve in curves)
    what = (
        "share of right answers over confidence"
        if of["kind"] == "multiclass"
        else "share of true ones over probability"
    )
    return _square(f"Reliability: {what}", curves, 0.0 if low < 0.5 else low - ROOM)


def _precision(of: Mapping[str, Any]) -> Chart | None:
    curves = [
        Curve(each["name"], tuple(each["recall"]), tuple(each["precision"])) for each in of["curves"][:MOST_LINES]
    ]
    rarest = f", the {MOST_LINES} rarest" if len(of["curves"]) > MOST_LINES else ""
    return _square(f"Precision over recall{rarest}", curves, 0.0) if curves else None


def _line(name: str, across: Sequence[float], up: Sequence[float]) -> Curve:
    return Curve(name, tuple(across), tuple(up), "faint")


def _square(title: str, curves: Sequence[Curve], low: float) -> Chart:
    """A chart of shares over shares."""
    across = Axis(low, 1 + ROOM)
    values = [value for curve in curves for value in curve.values]
    up = Axis(min(0.0 if min(values) < 0.5 else min(values) - ROOM, 1.0), 1 + ROOM)
    drawn = field(title, curves, across, up)
    ticks = tuple(Tick(across.at(value) * 100, decimal(value)) for value in nice(low, 1.0, 5))
    words = "; ".join(
        f"{curve.label}: " + ", ".join(f"{decimal(at)} {decimal(value)}" for at, value in _some(curve))
        for curve in curves
    )
    return replace(drawn, across=ticks, words=f"{title}. {words}")


def _some(curve: Curve) -> list[tuple[float, float]]:
    points = list(zip(curve.ticks, curve.values, strict=True))
    return points[:: max(1, len(points) // 10)]
