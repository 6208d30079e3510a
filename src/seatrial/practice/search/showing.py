"""A search as a table, as JSON, as pictures and as a page."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from seatrial.files import replace
from seatrial.numbers import decimal, figure, percent
from seatrial.practice.search.drawing import draw
from seatrial.practice.search.outcome import Search
from seatrial.report.json import strict

PAGE = "search.html"
MOST_SHOWN = 8


def show(found: Search, console: Console) -> None:
    """Print the best candidates and what may be said of them."""
    names = found.names
    table = Table(box=None, pad_edge=False)
    for head in ("", *names):
        table.add_column(head, justify="right")
    for budget in found.budgets:
        table.add_column(budget.words, justify="right")
    table.add_column("fresh seeds", justify="right")
    for cells in rows(found, names)[:MOST_SHOWN]:
        table.add_row(*cells)
    console.print(table)
    console.print(f"\n{found.headline}", style="bold", markup=False)
    for sentence in found.sentences:
        console.print(f"- {sentence}", markup=False, highlight=False)
    for each in found.importances:
        chance = "" if each.shown else ", no more than chance shows"
        console.print(f"  {each.name}: {percent(each.share)} of what matters ({percent(each.low)} to {percent(each.high)}{chance})", markup=False)  # fmt: skip


def rows(found: Search, names: list[str]) -> list[list[str]]:
    """The candidates, the best one first: number, values, figure on each rung, mean on fresh seeds."""
    columns = [found.record.figures(each, found.first_seeds) for each in found.budgets]
    fresh = found.fresh_figures
    made: list[list[str]] = []
    for number in found.leaders:
        params = found.record.candidates[number].params
        values = [figure(params[name]) if name in params else "" for name in names]
        figures = [decimal(column[number]) if number in column else "" for column in columns]
        told = fresh.get(number)
        made.append([f"#{number}", *values, *figures, "" if told is None else decimal(told)])
    return made


def write(found: Search, folder: Path) -> None:
    """Write search.json, the pictures and search.html, which holds them."""
    from seatrial.report.html import environment

    replace(folder / "search.json", json.dumps(strict(found.as_data()), indent=1, allow_nan=False).encode())
    pictures = {name: _embedded(path) for name, path in draw(found, folder).items()}
    names = found.names
    heads = [*names, *(each.words for each in found.budgets), "fresh seeds"]
    text = (
        environment()
        .get_template("search.html")
        .render(found=found, pictures=pictures, heads=heads, rows=rows(found, names), figure=figure)
    )
    replace(folder / PAGE, text.encode("utf-8", "replace"))


def _embedded(picture: Path) -> str:
    """A picture as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.read_bytes()).decode()}"
