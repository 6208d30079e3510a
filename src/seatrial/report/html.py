"""report.html: one file that loads nothing, so that it can be mailed, archived and opened in ten years.

The template only prints. It escapes everything; what is marked as safe here comes from a highlighter that escapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from seatrial.numbers import decimal, grouped, percent, seconds
from seatrial.report import monitoring_charts, trial_charts
from seatrial.report.charts import Drawn, sparkline
from seatrial.report.curves import Curve, ParameterCurves
from seatrial.report.model import MOST_ROWS, Report
from seatrial.report.monitoring_charts import USUAL_UPDATE, Section
from seatrial.report.proofs import proof_sentence
from seatrial.report.sources import Quote

# Characters without a form of their own: controls of terminals and printers, and those that turn the direction of a text.
_CONTROLS = (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_HIDDEN = {each: f"\\u{each:04x}" for each in _CONTROLS}


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A row of the table of parameters, its curves on scales that all rows share."""

    path: str
    shape: str
    weight_norm: float
    gradient: Drawn | None
    gradient_last: float
    update: Drawn | None
    update_last: float


def render(report: Report, readings: Sequence[str] = ()) -> str:
    """The text of report.html. `readings`: what is said of the curves, a paragraph each."""
    trained = monitoring_charts.training_charts(report.losses, report.rates, report.gradients, report.ticks)
    rows, expected = _parameter_rows(report.parameters[:MOST_ROWS])
    template = environment().get_template("report.html")
    monitored = monitoring_charts.section(report.monitoring, report.ticks)
    return template.render(
        report=report,
        chapters=_chapters(report, bool(trained or readings), monitored, bool(rows)),
        readings=readings,
        charts=list(trained.values()),
        rows=rows,
        monitored=monitored,
        more_rows=max(0, len(report.parameters) - MOST_ROWS),
        expected=expected,
        parts=trial_charts.parts(report.trials),
    )


def _chapters(report: Report, trained: bool, monitored: Section, rows: bool) -> list[tuple[str, str]]:
    """The chapters that there are: where each begins, and its title."""
    there = (
        ("wrong", "What is wrong", bool(report.findings)),
        ("notes", "Worth knowing", bool(report.notes)),
        ("training", "How training went", trained),
        ("monitored", "What was monitored", bool(monitored.charts or monitored.panels or monitored.sentences)),
        ("parameters", "Gradients and updates", rows),
        ("network", "What was trained, on what", bool(report.networks or report.batches)),
        ("trials", "Trials", bool(report.trials)),
        ("unseen", "What was not looked at", True),
        ("cost", "What watching cost", report.run_seconds > 0),
    )
    return [(key, title) for key, title, present in there if present]


@cache
def environment() -> Environment:
    """The templates, and the filters that print figures."""
    made = Environment(
        loader=PackageLoader("seatrial.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=plainly,
    )
    cast("dict[str, Any]", made.filters).update(
        decimal=decimal,
        grouped=grouped,
        seconds=seconds,
        percent=percent,
        code=code,
        prose=prose,
        proof=proof_sentence,
        part=trial_charts.experiment,
        effect=trial_charts.effect_of,
    )
    return made


def plainly(value: object) -> object:
    """What is printed, its control characters as visible escapes: also those that turn the direction of a text, by which
    code reads otherwise than it is (Boucher and Anderson, "Trojan Source", 2021)."""
    return value.translate(_HIDDEN) if isinstance(value, str) else value


def prose(text: str) -> Markup:
    """A sentence whose pieces between backticks are code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(part) if at % 2 else escape(part) for at, part in enumerate(parts))


def _parameter_rows(parameters: Iterable[ParameterCurves]) -> tuple[list[ParameterRow], float]:
    """The rows, and at which height (percent from the top) the expected update lies."""
    parameters = list(parameters)
    gradients = _range([each.gradient for each in parameters])
    low, high = _range([each.update for each in parameters], USUAL_UPDATE)
    rows = [
        ParameterRow(
            each.path,
            " x ".join(map(str, each.shape)),
            each.weight_norm,
            sparkline(each.gradient, *gradients),
            _last(each.gradient),
            sparkline(each.update, low, high),
            _last(each.update),
        )
        for each in parameters
    ]
    height = math.log10(USUAL_UPDATE / low) / math.log10(high / low)
    return rows, (1 - height) * 100


def _range(curves: Iterable[Curve], *also: float) -> tuple[float, float]:
    values = [value for curve in curves for value in curve.values if value > 0] + list(also)
    if not values:
        return 0.1, 10.0
    return min(values) / 2, max(values) * 2


def _last(curve: Curve) -> float:
    return curve.values[-1] if curve.values else math.nan


def code(quote: Quote) -> list[Markup]:
    """The lines of a quote with their tokens coloured: spans with classes of pygments, everything else escaped."""
    from pygments import highlight
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers.python import PythonLexer

    text = "\n".join(line.text for line in quote.lines)
    marked = highlight(
        text, PythonLexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True, classprefix="py-")
    ).removesuffix("\n")
    lines = marked.split("\n")
    if len(lines) != len(quote.lines):
        return [escape(line.text) for line in quote.lines]
    return [Markup(line) for line in lines]
