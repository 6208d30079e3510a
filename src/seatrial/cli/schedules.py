"""`seatrial schedules --epochs N [--optimizer NAME] [--rate VALUE|found] [--out DIR] TASK.py[:NAME]`."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli import options
from seatrial.cli.threads import let_threads_sleep


@click.command()
@options.number("--epochs", 30, "Passes over the data in the training.")
@click.option("--optimizer", default="", help="sgd, adamw or schedule-free, in place of the task's own.")
@options.rate
@options.out("Folder for schedules.json and schedules.svg.")
@options.quiet
@options.task
def command(epochs: int, optimizer: str, rate: str, out: Path | None, quiet: bool, task: str) -> int:
    """Recommend how the learning rate should fall while a task trains, from a short probe on copies, and draw it.

    The recommended name goes to `seatrial train --schedule NAME`.
    """
    let_threads_sleep()
    from rich.console import Console

    from seatrial.launch.folder import default_folder
    from seatrial.practice.annealing.advice import recommend
    from seatrial.practice.annealing.showing import show, write
    from seatrial.practice.fitting.settings import FOUND
    from seatrial.practice.taskfile import find

    program, found = find(task)
    advice = recommend(
        found, epochs=epochs, optimizer=optimizer, rate=options.rate_of(rate, FOUND if optimizer else 0.0)
    )
    folder = out or default_folder(program)
    folder.mkdir(parents=True, exist_ok=True)
    write(advice, folder)
    if not quiet:
        show(advice, Console(highlight=False))
        print(f"\n{folder}/schedules.svg, schedules.json")
    return 0
