"""An evaluation as one SVG picture: reliability, recall of each class, precision over recall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seatrial.report import drawing

MOST_LINES = len(drawing.COLOURS)


def draw_evaluation(of: Mapping[str, Any], to: Path) -> None:
    """Draw what there is. `of`: what `Evaluation.as_data` gives."""
    panels: list[Callable[[Any, Mapping[str, Any]], None]] = [_figures]
    if of["classes"] and of["kind"] != "regression":
        panels.append(_recalls)
    if of["calibration"] is not None:
        panels.append(_reliability)
    if of["curves"]:
        panels.append(_curves)

    def fill(figure: Any) -> None:
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            panel(axes, of)

    drawing.draw(to, fill, (4.2 * len(panels), 4))


def _figures(axes: Any, of: Mapping[str, Any]) -> None:
    """Each figure that is a share, with its interval and its baseline."""
    known = [each for each in of["figures"] if each["interval"] and 0 <= each["value"] <= 1 and each["highest"]]
    for at, each in enumerate(known):
        low, high = each["interval"]["low"], each["interval"]["high"]
        axes.plot([low, high], [-at, -at], color=drawing.COLOURS[0], linewidth=2)
        axes.plot([each["value"]], [-at], "o", color=drawing.COLOURS[0])
        if each["baseline"] is not None:
            axes.plot([each["baseline"]], [-at], "|", color=drawing.DIM, markersize=12)
    drawing.plain(axes, "Figures, intervals, baselines", "value", "")
    axes.set_yticks([-at for at in range(len(known))], [each["name"] for each in known])
    axes.margins(x=0.05)


def _recalls(axes: Any, of: Mapping[str, Any]) -> None:
    known = [each for each in of["classes"] if each["examples"]]
    axes.bar(range(len(known)), [each["figures"][0]["value"] for each in known], color=drawing.COLOURS[0])
    few = len(known) <= 30
    axes.set_xticks(range(len(known)) if few else [], [each["name"] for each in known] if few else [], rotation=90)
    drawing.plain(axes, "Recall of each class", "", "recall")
    axes.set_axisbelow(True)


def _reliability(axes: Any, of: Mapping[str, Any]) -> None:
    before, after = of["calibration"]["before"]["bins"], of["calibration"]["after"]["bins"]
    across = [each["confidence"] for each in before]
    axes.fill_between(across, [b["low"] for b in before], [b["high"] for b in before], color=drawing.LINE)
    for bins, colour, label in ((before, drawing.COLOURS[0], "as it is"), (after, drawing.COLOURS[1], "temperature")):
        axes.plot([b["confidence"] for b in bins], [b["right"] for b in bins], "o-", color=colour, label=label, ms=3)
    drawing.plain(axes, "Reliability", "probability told", "share of true ones")
    axes.legend(frameon=False, fontsize=9)


def _curves(axes: Any, of: Mapping[str, Any]) -> None:
    for colour, each in zip(drawing.COLOURS, of["curves"][:MOST_LINES], strict=False):
        axes.plot(each["recall"], each["precision"], color=colour, label=each["name"])
    drawing.plain(axes, "Precision over recall", "recall", "precision")
    axes.legend(frameon=False, fontsize=8)
