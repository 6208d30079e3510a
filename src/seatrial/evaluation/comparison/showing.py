"""A comparison of methods as a table, as JSON and as a picture."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from seatrial.evaluation.comparison.study import Pair, Study
from seatrial.evaluation.comparison.words import supported, unsupported
from seatrial.files import replace
from seatrial.numbers import decimal
from seatrial.report import drawing
from seatrial.report.json import strict


def show(study: Study, console: Console) -> None:
    """Print what was found, why so, and what it does not say."""
    table = Table(box=None, pad_edge=False)
    for head in ("first", "second"):
        table.add_column(head)
    for head in (study.figure, "difference", "95 % interval", "P(first better)", "p", f"p for {study.pairs[0].of}"):
        table.add_column(head, justify="right")
    for pair in study.pairs:
        table.add_row(*_cells(pair))
    console.print(table)
    for design, why in dict.fromkeys((pair.design, pair.why) for pair in study.pairs):
        tests = ", ".join(dict.fromkeys(each.result.compared.test for each in study.pairs if each.design == design))
        console.print(f"\nThe test: {tests}", style="bold", markup=False)
        console.print(f"{design[0].upper()}{design[1:]}. {why}", markup=False, highlight=False)
    for title, sentences in (("What it supports", supported(study)), ("What it does not say", unsupported(study))):
        console.print(f"\n{title}", style="bold", markup=False)
        for sentence in sentences:
            console.print(f"- {sentence}", markup=False, highlight=False)


def write(study: Study, folder: Path) -> None:
    """Write compare.json and compare.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / "compare.json", json.dumps(as_dict(study), indent=1, allow_nan=False).encode())
    height = 1.2 + 0.42 * len(study.pairs)
    drawing.draw(folder / "compare.svg", lambda figure: _fill(figure, study), (7, height))


def as_dict(study: Study) -> dict[str, Any]:
    """All of it as plain values that strict JSON holds."""
    found: dict[str, Any] = asdict(study)
    for told, pair in zip(found["pairs"], study.pairs, strict=True):
        told["shown"] = pair.is_shown
    return strict(found | {"supported": supported(study), "unsupported": unsupported(study)})


def _cells(pair: Pair) -> list[str]:
    found, better = pair.result.compared, pair.result.better
    one, other = pair.result.figures
    interval = f"{found.low:+.3g} to {found.high:+.3g}" if math.isfinite(found.low) else "-"
    chance = f"{better.probability:.2f} ({better.low:.2f} to {better.high:.2f})" if better else "-"
    mark = " *" if pair.is_shown else "  "
    return [
        pair.first,
        pair.second,
        f"{decimal(one)} / {decimal(other)}",
        f"{found.effect:+.3g}",
        interval,
        chance,
        decimal(found.p, 3),
        f"{decimal(pair.adjusted, 3)}{mark}",
    ]


def _fill(figure: Any, study: Study) -> None:
    """The difference of each pair with its interval; filled where it is shown."""
    axes = figure.add_subplot()
    for row, pair in enumerate(reversed(study.pairs)):
        found = pair.result.compared
        colour = drawing.COLOURS[0] if pair.is_shown else drawing.DIM
        if math.isfinite(found.low):
            axes.plot([found.low, found.high], [row, row], color=colour, linewidth=2)
        axes.plot([found.effect], [row], "o", color=colour, markerfacecolor=colour if pair.is_shown else "white")
    axes.axvline(0, color=drawing.INK, linewidth=0.8)
    drawing.plain(axes, "Differences, with 95 % intervals (filled: shown)", f"difference in {study.figure}", "")
    axes.set_yticks(range(len(study.pairs)), [f"{pair.first} - {pair.second}" for pair in reversed(study.pairs)])
    axes.set_ylim(-0.6, len(study.pairs) - 0.4)
    axes.margins(x=0.05)
