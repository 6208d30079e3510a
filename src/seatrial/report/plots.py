"""The figures of the report as matplotlib draws them, for a notebook: one of them, or all.

They are made from the same charts as the page, so that both show the same. A figure does not touch pyplot, whose state is the
program's own.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from seatrial.catalogue import nearest
from seatrial.errors import UsageProblem
from seatrial.history import Run
from seatrial.report import curves
from seatrial.report.charts import Chart
from seatrial.report.drawing import COLOURS, DIM, plain
from seatrial.report.monitoring import FilterPicture, Monitoring, monitoring
from seatrial.report.monitoring_charts import monitored_charts, noise_sentence, training_charts
from seatrial.report.pictures import grid

MOST_COLUMNS = 2
FEW = 30  # points: so few are marked


class Shown(Figure):
    """A figure that a notebook shows in place."""

    def _repr_png_(self) -> bytes:
        return self.png()

    def png(self) -> bytes:
        """The picture."""
        data = io.BytesIO()
        FigureCanvasAgg(self).print_png(data)
        return data.getvalue()


def charts_of(run: Run, seen: Monitoring) -> dict[str, Chart]:
    """What there is to be drawn of a run, by the name that `plot` takes."""
    trained = training_charts(curves.losses(run), curves.learning_rates(run), curves.gradient_norms(run), run.ticks)
    return trained | monitored_charts(seen, run.ticks)


def plot(run: Run, what: str | None = None) -> Figure:
    """A figure of the run: one by name (loss, rate, gradient, updates, layers, dead, saturated, signal, filters), or all.

    Raises:
        UsageProblem: the run has no figure of that name.
    """
    seen = monitoring(run)
    charts = charts_of(run, seen)
    filters = {f"{layer.path}, step {each.tick}": each for layer in seen.filters for each in layer.pictures[-1:]}
    known = [*charts, *(["filters"] if filters else [])]
    if what is not None and what not in known:
        near = nearest(what, known)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known) or 'none'}."
        raise UsageProblem(f"Expected the name of a figure that this run has, found {what!r}.", "no-such-figure", hint)
    if what is not None:
        charts = {name: each for name, each in charts.items() if name == what}
        filters = filters if what == "filters" else {}
    figure = figure_of(charts, filters)
    if seen.noise and what in (None, "signal"):
        figure.supxlabel(noise_sentence(seen.noise), fontsize="small", wrap=True)
    return figure


def figure_of(charts: Mapping[str, Chart], filters: Mapping[str, FilterPicture]) -> Shown:
    """Charts and pictures of filters in a grid."""
    count = len(charts) + len(filters)
    across = min(MOST_COLUMNS, max(1, count))
    rows = -(-max(1, count) // across)
    figure = Shown(figsize=(5 * across if across > 1 else 7, 2.8 * rows if across > 1 else 4.2), layout="constrained")
    places: list[Any] = list(figure.subplots(rows, across, squeeze=False).flat)
    for place, each in zip(places, charts.values(), strict=False):
        draw(place, each)
    for place, (title, picture) in zip(places[len(charts) :], filters.items(), strict=False):
        _picture(place, title, picture)
    for place in places[count:]:
        place.set_axis_off()
    return figure


def draw(axes: Any, drawn: Chart) -> None:
    """A chart of curves on matplotlib's axes, with the page's colours, range and scale."""
    data = drawn.data
    if data is None:
        return
    plain(axes, f"{drawn.title} ({drawn.remark})" if drawn.remark else drawn.title, "step", "")
    colours = {label: COLOURS[colour] for colour, label, _ in drawn.legend if colour < len(COLOURS)}
    labelled: set[str] = set()
    for curve in data.curves:
        label = curve.label if curve.kind != "faint" and curve.label not in labelled else None
        labelled |= {label} if label else set()
        axes.plot(
            curve.ticks,
            curve.values,
            color=colours.get(curve.label),
            label=label,
            alpha=0.4 if curve.kind == "faint" else 1.0,
            linewidth=0.8 if curve.kind == "faint" else 1.5,
            marker="." if len(curve.values) < FEW else "",
            drawstyle="steps-post" if curve.kind == "steps" else "default",
        )
    for label, value, upright in data.lines:
        line = axes.axvline if upright else axes.axhline
        line(value, linestyle="--", linewidth=1, color=DIM, label=label)
    if data.up.log:
        axes.set_yscale("log")
    axes.set_xlim(data.across.low, data.across.high)
    axes.set_ylim(data.up.low, data.up.high)
    if len(drawn.legend) > 1:
        axes.legend(fontsize="x-small")


def _picture(axes: Any, title: str, picture: FilterPicture) -> None:
    rows, depth = grid(picture)
    values = [[row[at : at + depth] for at in range(0, len(row), depth)] for row in rows]
    pixels = [[list(each) if depth == 3 else each[0] for each in row] for row in values]
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_axis_off()
