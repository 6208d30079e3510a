"""`seatrial search [--trials N] [--epochs N] [--workers N] [--storage URL] [--ray ADDRESS] [--out DIR] TASK.py[:NAME]`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from seatrial.cli import options
from seatrial.cli.again import again
from seatrial.cli.threads import let_threads_sleep


@click.command()
@options.out("Folder for the report; if a search is there, it goes on.")
@options.number("--trials", 48, "Largest number of candidates to try.")
@options.number("--epochs", 18, "Epochs of the longest trainings; the first ones take a ninth.")
@options.number("--share", 0.25, "Share of the data in the first trainings.")
@options.number("--leaders", 4, "Best candidates that are trained again on fresh seeds.")
@options.number("--seeds", 5, "Number of these fresh seeds.")
@options.choose("What decides, on the validation data: loss, or a metric of the task.")
@options.highest
@options.number("--seed", 0, "Seed of all random numbers.")
@options.accelerator
@click.option("--workers", type=click.IntRange(1), help="Processes on this machine; one for each device if left out.")
@click.option("--storage", default="", help="postgresql://USER:PASSWORD@HOST/DATABASE, the same on several machines.")
@click.option("--name", default="", help="Name of the search in that storage; the file's name if left out.")
@click.option(
    "--ray", default="", metavar="ADDRESS", help="Address of a Ray cluster that does the work; local: start one here."
)
@options.quiet
@options.task
def command(
    out: Path | None,
    trials: int,
    epochs: int,
    share: float,
    leaders: int,
    seeds: int,
    choose: str,
    highest: bool,
    seed: int,
    accelerator: str,
    workers: int | None,
    storage: str,
    name: str,
    ray: str,
    quiet: bool,
    task: str,
) -> int:
    """Search the hyperparameters and the architecture with which a task ends best, by its validation data alone.

    The file has a function `space(trial)` that asks an Optuna trial for values and returns a Task; or a Task, whose learning rate and
    weight decay are searched. After an interruption the same command with the same --out goes on.
    """
    let_threads_sleep()
    from rich.console import Console

    from seatrial.launch.folder import default_folder
    from seatrial.practice.search.processes import default_workers
    from seatrial.practice.search.searching import search
    from seatrial.practice.search.settings import SearchSettings
    from seatrial.practice.search.showing import show
    from seatrial.practice.taskfile import program_of

    settings = SearchSettings(
        trials,
        epochs,
        share,
        leaders,
        seeds,
        choose,
        highest,
        seed,
        accelerator=accelerator,
    )
    program, _ = program_of(task)
    folder = out or default_folder(program)
    count = workers or (0 if ray else default_workers(accelerator))
    try:
        found = search(
            task,
            settings=settings,
            out=folder,
            workers=count,
            storage=storage,
            name=name or program.label,
            ray=ray,
            progress=not quiet,
        )
    except KeyboardInterrupt:
        print(f"seatrial: to go on: {again(folder)}", file=sys.stderr)
        raise
    if not quiet:
        show(found, Console(highlight=False))
        print(f"\n{folder}/search.html, search.json")
    return 0 if found.winner is not None else 1
