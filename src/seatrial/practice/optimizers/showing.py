"""A comparison of optimizers as a table, as JSON and as a picture."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from seatrial.files import replace
from seatrial.numbers import decimal
from seatrial.practice.optimizers.comparing import Comparison
from seatrial.practice.optimizers.words import figure_of, supported, unsupported
from seatrial.report import drawing


def show(comparison: Comparison, console: Console) -> None:
    """Print the figures and what they support."""
    table = Table(box=None, pad_edge=False)
    for head in ("optimizer", "rate", "schedule"):
        table.add_column(head)
    for head in (f"{figure_of(comparison)}, best epoch", "smallest to largest", "last epoch"):
        table.add_column(head, justify="right")
    for each in sorted(comparison.candidates, key=lambda each: -each.mean if comparison.highest else each.mean):
        known = [figure for figure in each.figures if math.isfinite(figure)]
        span = f"{decimal(min(known))} to {decimal(max(known))}" if known else "diverged"
        last = sum(each.last) / len(each.last)
        table.add_row(each.name, decimal(each.rate, 3), each.schedule or "own", decimal(each.mean), span, decimal(last))
    console.print(table)
    for title, sentences in (
        ("What it supports", supported(comparison)),
        ("What it does not say", unsupported(comparison)),
    ):
        console.print(f"\n{title}", style="bold", markup=False)
        for sentence in sentences:
            console.print(f"- {sentence}", markup=False, highlight=False)


def write(comparison: Comparison, folder: Path) -> None:
    """Write optimizers.json and optimizers.svg."""
    replace(folder / "optimizers.json", json.dumps(_plain(as_dict(comparison)), indent=1).encode())
    drawing.draw(folder / "optimizers.svg", lambda figure: _fill(figure, comparison))


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """All of it as plain values."""
    found = asdict(comparison)
    for pair, known in zip(found["pairs"], comparison.pairs, strict=True):
        gap = known.difference
        pair["difference"] |= {"shown": gap.shown}
        if gap.seeds >= 2:
            pair["difference"] |= {"seeds_needed": gap.needed, "detectable": gap.detectable}
    return found | {"supported": supported(comparison), "unsupported": unsupported(comparison)}


def _plain(value: Any) -> Any:
    """JSON has no nan and no infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _fill(figure: Any, comparison: Comparison) -> None:
    """The mean over seeds after each epoch, and a band from the lowest to the highest."""
    axes = figure.add_subplot()
    for colour, each in zip(drawing.COLOURS, comparison.candidates, strict=False):
        epochs = list(range(1, comparison.epochs + 1))
        columns = [[value for value in column if math.isfinite(value)] for column in zip(*each.curves, strict=True)]
        filled = [(epoch, column) for epoch, column in zip(epochs, columns, strict=True) if column]
        at = [epoch for epoch, _ in filled]
        mean = [sum(column) / len(column) for _, column in filled]
        label = f"{each.name}, rate {decimal(each.rate, 2)}, {each.schedule or 'own schedule'}"
        axes.plot(at, mean, color=colour, linewidth=2, label=label, marker="o" if len(at) < 4 else "")
        axes.fill_between(
            at, [min(c) for _, c in filled], [max(c) for _, c in filled], color=colour, alpha=0.15, linewidth=0
        )
    if comparison.figure == "loss" and all(
        v > 0 for each in comparison.candidates for c in each.curves for v in c if v == v
    ):
        axes.set_yscale("log")
    title = f"Optimizers over {comparison.seeds} seeds: mean, lowest and highest"
    drawing.plain(axes, title, "epoch", figure_of(comparison))
    axes.locator_params(axis="x", integer=True) if comparison.epochs > 1 else axes.set_xticks([1])
    axes.legend(frameon=False, fontsize=9)
