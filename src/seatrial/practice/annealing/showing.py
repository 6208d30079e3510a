"""All schedules for a training, drawn before it begins: as a picture, a table and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from seatrial.files import replace
from seatrial.numbers import decimal
from seatrial.practice.annealing.advice import Advice
from seatrial.practice.annealing.schedules import KINDS, schedule
from seatrial.report import drawing
from seatrial.report.json import without_nan

MOST_POINTS = 400  # of a curve in the picture
MOST_STEPS = 20_000  # longer trainings are drawn by a shorter one of the same shape


def rates(name: str, rate: float, steps: int, epochs: int) -> list[float]:
    """The rate of each step, from the scheduler itself. A plateau's validation improves until half of the epochs are over."""
    if steps > MOST_STEPS:
        epochs = min(epochs, MOST_STEPS)
        steps = epochs * max(1, MOST_STEPS // epochs)
    optimizer = torch.optim.SGD([torch.zeros((), requires_grad=True)], lr=rate)
    plan = schedule(name, optimizer, steps)
    each, found = max(1, steps // epochs), list[float]()
    for step in range(steps):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if plan.every == "step":
            plan.scheduler.step()
        elif (step + 1) % each == 0:
            plan.scheduler.step(1 / min((step + 1) // each, max(1, epochs // 2)))
    return found


def show(advice: Advice, console: Console) -> None:
    """Print the candidates, the recommendation and its reasons."""
    table = Table(box=None, pad_edge=False)
    for head in ("", "schedule", "what the rate does"):
        table.add_column(head)
    for head in ("first step", "halfway", "last step"):
        table.add_column(head, justify="right")
    for name, kind in KINDS.items():
        values = rates(name, advice.probe.rate, advice.steps, advice.epochs)
        mark = "→" if name == advice.schedule else ""
        figures = [decimal(value, 2) for value in (values[0], values[len(values) // 2], values[-1])]
        table.add_row(mark, name, kind.words, *figures, style="bold" if mark else None)
    console.print(table)
    console.print(f"\nRecommended: {advice.schedule}", style="bold", markup=False)
    for reason in advice.reasons:
        console.print(f"- {reason}", markup=False, highlight=False)


def write(advice: Advice, folder: Path) -> None:
    """Write schedules.json and schedules.svg."""
    found = without_nan(asdict(advice))
    replace(folder / "schedules.json", json.dumps(found, indent=1).encode())
    drawing.draw(folder / "schedules.svg", lambda figure: _fill(figure, advice), (9, 4.2))


def _fill(figure: Any, advice: Advice) -> None:
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    for colour, name in zip(drawing.COLOURS, KINDS, strict=True):
        values = rates(name, advice.probe.rate, advice.steps, advice.epochs)
        chosen = name == advice.schedule
        style = {"linewidth": 3.0 if chosen else 1.3, "zorder": 3 if chosen else 2, "color": colour}
        label = f"{name} (recommended)" if chosen else name
        at = [advice.steps * number / len(values) for number in range(len(values))]
        left.plot(*_thinned(at, values), label=label, linestyle="--" if name == "plateau" else "-", **style)
    drawing.plain(left, "The rate, if a plateau came halfway", "step", "learning rate")
    left.set_ylim(bottom=0)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=8, frameon=False, fontsize=8)
    drawing.plain(right, "The probe: kept, and annealed", "step", "training loss, smoothed")
    for values, label, colour in (
        (advice.probe.kept, "rate kept", drawing.COLOURS[0]),
        (advice.probe.annealed, "falls to zero in the second half", drawing.COLOURS[1]),
    ):
        if values:
            right.plot(_smooth(values), color=colour, label=label, linewidth=1.6)
    if advice.probe.kept:
        right.legend(frameon=False, fontsize=8)


def _thinned(at: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    every = max(1, math.ceil(len(values) / MOST_POINTS))
    kept = sorted({*range(0, len(values), every), len(values) - 1})
    return [at[k] for k in kept], [values[k] for k in kept]


def _smooth(values: Sequence[float]) -> list[float]:
    """Means over the last twentieth of the steps until each."""
    width = max(1, len(values) // 20)
    return [sum(values[max(0, k - width + 1) : k + 1]) / min(width, k + 1) for k in range(len(values))]
