"""A cross-validation as text, as JSON and as a table of scores that `seatrial compare` reads."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from seatrial.files import replace
from seatrial.numbers import decimal
from seatrial.practice.cross_validation.outcome import CrossValidation
from seatrial.report.json import strict

JSON, SCORES = "cross-validation.json", "scores.csv"


def show(found: CrossValidation, console: Console) -> None:
    """Print the scores, the result, and what it does not say."""
    table = Table(box=None, pad_edge=False)
    for head in ("repeat", "fold", "trained", "tested", found.figure):
        table.add_column(head, justify="right")
    if found.is_nested:
        table.add_column("chosen")
    for each in found.scores:
        cells = [str(each.repeat), str(each.fold), str(each.trained), str(each.tested), decimal(each.score)]
        table.add_row(*cells, *([each.chosen] if found.is_nested else []))
    console.print(table)
    console.print()
    for sentence in found.said():
        console.print(sentence, markup=False, highlight=False)
    console.print("\nWhat it does not say", style="bold", markup=False)
    for sentence in found.limits():
        console.print(f"- {sentence}", markup=False, highlight=False)


def write(found: CrossValidation, folder: Path) -> None:
    """Write cross-validation.json and scores.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / JSON, json.dumps(as_dict(found), indent=1, allow_nan=False).encode())
    replace(folder / SCORES, _table(found).encode())


def as_dict(found: CrossValidation) -> dict[str, Any]:
    """All of it as plain values that strict JSON holds."""
    interval = found.interval
    more = {
        "mean": found.mean,
        "interval": None if interval is None else [interval.low, interval.high],
        "optimism": found.optimism,
        "said": found.said(),
        "limits": found.limits(),
    }
    return strict(asdict(found) | more)


def _table(found: CrossValidation) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "repeat", "fold", "train", "test", "score"])
    name = f"{found.task or 'task'}, chosen" if found.is_nested else found.task or "task"
    for each in found.scores:
        writer.writerow([name, each.repeat, each.fold, each.trained, each.tested, repr(each.score)])
    return text.getvalue()
