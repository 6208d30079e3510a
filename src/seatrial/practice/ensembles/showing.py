"""An ensemble as tables, as JSON and as a picture."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from seatrial.evaluation.voting.losses import error, loss
from seatrial.files import replace
from seatrial.numbers import decimal, percent
from seatrial.practice.ensembles.choice import BEST, Combination
from seatrial.practice.ensembles.ensemble import Ensembled
from seatrial.practice.ensembles.words import sentences
from seatrial.report import drawing
from seatrial.report.json import strict

FIGURES, PICTURE = "figures.json", "ensemble.svg"


def show(made: Ensembled, console: Console) -> None:
    """Print members, combinations and what they support."""
    _table_of_members(made, console)
    console.print()
    _table_of_combinations(made, console)
    console.print()
    for sentence in sentences(made):
        console.print(f"- {sentence}", markup=False, highlight=False)


def write(made: Ensembled, folder: Path) -> None:
    """Write figures.json and ensemble.svg."""
    replace(folder / FIGURES, json.dumps(strict(as_dict(made)), indent=1, allow_nan=False).encode())
    drawing.draw(folder / PICTURE, lambda figure: _fill(figure, made), (7.5, 0.32 * _bars(made) + 1.4))


def as_dict(made: Ensembled) -> dict[str, Any]:
    """All figures as plain values."""
    weights = made.choice.chosen.weights
    pairs = made.diversity.pairs if made.diversity else ()
    names = [each.name for each in made.members]
    return {
        "task": made.task,
        "loss": made.choice.loss,
        "members": [
            {
                "name": each.name,
                "kind": each.kind,
                "origin": each.origin,
                "loss": loss(each.predictions),
                "error": error(each.predictions),
                "weight": float(weight),
            }
            for each, weight in zip(made.members, weights, strict=True)
        ],
        "combinations": [
            {
                "name": each.name,
                "chosen": at == made.choice.at,
                "weights": each.weights.tolist(),
                "vote": each.recipe.vote if each.recipe is not None else "majority",
                "temperature": each.temperature,
                "loss": each.loss,
                "error": each.error,
                "held_out": _held_out(each),
                "ties": each.ties,
            }
            for at, each in enumerate(made.choice.combinations)
        ],
        "promised": made.choice.promised,
        "gain": _plain(made.choice.gain),
        "calibration": None if made.choice.calibration is None else asdict(made.choice.calibration),
        "diversity": None
        if made.diversity is None
        else {key: getattr(made.diversity, key) for key in ("disagreement", "q", "correlation", "kappa", "effective")}
        | {"pairs": [_plain(each) | {"members": [names[each.first], names[each.second]]} for each in pairs]},
        "independence": _plain(made.independence),
        "left_out": list(made.left_out),
        "said": sentences(made),
    }


# ---- inner steps -------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    return None if value is None else {name: getattr(value, name) for name in type(value).__slots__}


def _table_of_members(made: Ensembled, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("member")
    for head in (made.choice.loss, "error", "weight"):
        table.add_column(head, justify="right")
    table.add_column("from", overflow="fold")
    weights = made.choice.chosen.weights
    for each, weight in zip(made.members, weights, strict=True):
        share = f"{weight:.2f}" if weight else "-"
        table.add_row(each.name, decimal(loss(each.predictions)), _percent(error(each.predictions)), share, each.origin)
    console.print(table)


def _table_of_combinations(made: Ensembled, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("combination")
    for head in (f"{made.choice.loss}, chosen by it", "on other halves", "temperature", "error"):
        table.add_column(head, justify="right")
    table.add_column("")
    for at, each in enumerate(made.choice.combinations):
        name = f"{each.name} ({made.members[int(each.weights.argmax())].name})" if each.name == BEST else each.name
        held_out = decimal(each.worth.better.held_out) if each.worth else "-"
        figure = "-" if math.isnan(each.loss) else decimal(each.loss)
        by = "-" if each.temperature == 1.0 else f"{each.temperature:.2f}"
        mark = "chosen" if at == made.choice.at else f"{each.ties} ties" if each.ties else ""
        table.add_row(name, figure, held_out, by, _percent(each.error), mark)
    console.print(table)


def _held_out(of: Combination) -> dict[str, float] | None:
    """The losses on other halves, without and with a temperature, and by how much the one that counts looked better."""
    if of.worth is None:
        return None
    after = of.worth.calibrated
    return {
        "plain": of.worth.plain.held_out,
        "calibrated": math.nan if after is None else after.held_out,
        "optimism": of.worth.better.optimism,
    }


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else percent(value, 1)


def _bars(made: Ensembled) -> int:
    return len(made.members) + sum(each.worth is not None for each in made.choice.combinations)


def _fill(figure: Any, made: Ensembled) -> None:
    """The loss of each member, and of each combination on halves that it was not chosen by."""
    axes = figure.add_subplot()
    known = [each for each in made.choice.combinations if each.worth is not None]
    names = [each.name for each in made.members] + [each.name for each in known]
    values = [loss(each.predictions) for each in made.members]
    values += [each.worth.better.held_out for each in known if each.worth is not None]
    colours = [drawing.COLOURS[7]] * len(made.members)
    colours += [drawing.COLOURS[2] if each is made.choice.chosen else drawing.COLOURS[0] for each in known]
    at = np.arange(len(names))[::-1]
    longest = 4 * float(np.median(values))  # a member that is far worse shall not hide the others
    shown = np.minimum(values, longest)
    axes.barh(at, shown, color=colours, height=0.65)
    for place, length, value in zip(at, shown, values, strict=True):
        axes.text(length, place, f" {decimal(value)}" + (" (cut)" if value > longest else ""), va="center", fontsize=9)
    axes.set_yticks(at, names)
    drawing.plain(axes, "Members and their combinations; green: chosen", f"validation {made.choice.loss}", "")
    axes.grid(visible=False)
    axes.margins(x=0.12)
