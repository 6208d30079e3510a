"""`seatrial learning-curve [--seeds N] [--epochs N] [--choose METRIC --highest] [--out DIR] TASK.py[:NAME]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli import options
from seatrial.numbers import decimal

if TYPE_CHECKING:
    from seatrial.practice.fitting.settings import Settings


@click.command()
@options.out("Folder for learning-curve.svg and learning-curve.json.")
@click.option("--seeds", type=click.IntRange(2), default=3, show_default=True, help="Trainings for each size.")
@options.into_settings(
    options.epochs(10, "Most epochs on all data; on less data, as many steps as these."),
    options.patience(),
    options.choose("What is measured: loss, or a metric of the task."),
    options.highest,
    options.accelerator,
)
@click.option("--quiet", is_flag=True, help="Print only the result.")
@options.task
def command(out: Path | None, seeds: int, settings: Settings, quiet: bool, task: str) -> int:
    """Train on an eighth, a quarter, half and all of the data: what would more data bring?"""
    import json
    from dataclasses import asdict

    from seatrial.files import replace
    from seatrial.launch.folder import default_folder
    from seatrial.practice.fitting.drawing import draw
    from seatrial.practice.fitting.growing import grown
    from seatrial.practice.learning_curve import Point, learning_curve
    from seatrial.practice.taskfile import find
    from seatrial.report.json import strict

    program, found = find(task)

    def told(point: Point, of: int) -> None:
        if not quiet:
            print(
                f"{point.examples:7} examples, seed {point.seed}: {settings.choose} {decimal(point.value)}",
                file=sys.stderr,
            )

    curve = learning_curve(grown(found, settings, told, seeds=seeds), highest=settings.highest)
    folder = out or default_folder(program)
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / "learning-curve.json", json.dumps(strict(asdict(curve)), indent=1, allow_nan=False).encode())
    draw(curve, folder / "learning-curve.svg", settings.choose)
    print(curve.said)
    if not quiet:
        print(f"The picture: {folder / 'learning-curve.svg'}", file=sys.stderr)
    return 0
