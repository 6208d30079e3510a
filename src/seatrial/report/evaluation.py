"""An evaluation, shown: a page for a browser and lines for a terminal, from the figures of evaluation.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.numbers import decimal
from seatrial.report.evaluation_charts import charts

MOST_ROWS = 200  # classes in the table


def page(of: Mapping[str, Any]) -> str:
    """The text of evaluation.html. `of`: what `Evaluation.as_data` gives, or evaluation.json."""
    from seatrial.report.html import environment

    return (
        environment()
        .get_template("evaluation.html")
        .render(
            of=of,
            title=" ".join(part for part in (of["model"], of["data"]) if part) or "predictions",
            headline=of["sentences"][0],
            told=of["sentences"][1:],
            charts=charts(of),
            heads=[_short(each["name"], of["classes"][0]["name"]) for each in of["classes"][0]["figures"]]
            if of["classes"]
            else [],
            rows=of["classes"][:MOST_ROWS],
            more=max(0, len(of["classes"]) - MOST_ROWS),
            confusion=_shaded(of["confusion"]) if of["confusion"] else [],
            figure=_figure,
            interval=_interval,
        )
    )


def _short(name: str, of_class: str) -> str:
    """A figure's name without that of its class."""
    return name.removesuffix(f" of {of_class}")


def _figure(value: float | None) -> str:
    return "-" if value is None or value != value else decimal(value)


def _interval(figure: Mapping[str, Any]) -> str:
    seen = figure["interval"]
    return "" if seen is None else f"{decimal(seen['low'])} to {decimal(seen['high'])}"


def _shaded(counts: Any) -> list[list[tuple[int, float, bool]]]:
    """Each count with its share of the row, and whether it stands for right answers."""
    return [
        [(count, count / max(1, sum(row)), at == line) for at, count in enumerate(row)]
        for line, row in enumerate(counts)
    ]
