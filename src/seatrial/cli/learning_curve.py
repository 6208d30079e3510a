"""`seatrial learning-curve [--seeds N] [--epochs N] [--choose METRIC --highest] [--out DIR] TASK.py[:NAME]`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from seatrial.cli.threads import let_threads_sleep


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder for learning-curve.svg and learning-curve.json.")
@click.option("--seeds", type=click.IntRange(2), default=3, show_default=True, help="Trainings for each size.")
@click.option(
    "--epochs", type=int, default=10, show_default=True, help="At most, on all data; on less, as many steps as these."
)
@click.option("--patience", type=int, default=5, show_default=True, help="As for train.")
@click.option("--choose", default="loss", show_default=True, help="What is measured: loss, or a metric of the task.")
@click.option("--highest", is_flag=True, help="The best value of that is the highest.")
@click.option("--accelerator", default="auto", show_default=True, help="cpu, cuda, mps, auto.")
@click.option("--quiet", is_flag=True, help="Print the sentence only.")
@click.argument("task", metavar="TASK.py[:NAME]")
def command(
    out: Path | None,
    seeds: int,
    epochs: int,
    patience: int,
    choose: str,
    highest: bool,
    accelerator: str,
    quiet: bool,
    task: str,
) -> int:
    """Train on an eighth, a quarter, half and all of the data: what would more data bring?"""
    let_threads_sleep()
    import json
    from dataclasses import asdict

    from seatrial.files import replace
    from seatrial.launch.folder import default_folder
    from seatrial.practice.fitting.drawing import draw
    from seatrial.practice.fitting.growing import grown
    from seatrial.practice.fitting.settings import Settings
    from seatrial.practice.learning_curve import Point, learning_curve
    from seatrial.practice.taskfile import find
    from seatrial.report.json import strict

    settings = Settings(epochs, patience, choose, highest, accelerator=accelerator)
    program, found = find(task)

    def told(point: Point, of: int) -> None:
        if not quiet:
            print(f"{point.examples:7} examples, seed {point.seed}: {choose} {point.value:.4g}", file=sys.stderr)

    curve = learning_curve(grown(found, settings, told, seeds=seeds), highest=highest)
    folder = out or default_folder(program)
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / "learning-curve.json", json.dumps(strict(asdict(curve)), indent=1, allow_nan=False).encode())
    draw(curve, folder / "learning-curve.svg", choose)
    print(curve.said)
    if not quiet:
        print(f"The picture: {folder / 'learning-curve.svg'}", file=sys.stderr)
    return 0
