"""`seatrial optimizers [--epochs N] [--seeds N] [--out DIR] ... TASK.py[:NAME]`."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli import options
from seatrial.cli.threads import let_threads_sleep


@click.command()
@options.out("Folder for optimizers.json and optimizers.svg.")
@options.number("--epochs", 10, "Passes over the data in each training.")
@options.number("--seeds", 3, "Trainings of each optimizer.")
@click.option(
    "--optimizers",
    default="",
    help="Which of sgd, adamw, schedule-free, own, separated by commas; all but own if left out.",
)
@click.option(
    "--rate", multiple=True, metavar="NAME=VALUE", help="Learning rate of an optimizer, so that it need not be found."
)
@options.choose("Compare by the loss, or by a metric of the task.")
@options.highest
@click.option("--keep", is_flag=True, help="Keep the folder of each training in --out.")
@options.quiet
@options.task
def command(
    out: Path | None,
    epochs: int,
    seeds: int,
    optimizers: str,
    rate: tuple[str, ...],
    choose: str,
    highest: bool,
    keep: bool,
    quiet: bool,
    task: str,
) -> int:
    """Compare optimizers on a task: each at its own found rate, for the same steps, over several seeds.

    Says what the comparison supports, by paired differences with an interval, and what it does not.
    """
    let_threads_sleep()
    from rich.console import Console

    from seatrial.launch.folder import default_folder
    from seatrial.practice.optimizers.comparing import compare_optimizers
    from seatrial.practice.optimizers.showing import show, write
    from seatrial.practice.taskfile import find

    rates = dict(_rate(words) for words in rate)
    program, found = find(task)
    folder = out or default_folder(program)
    errors = Console(stderr=True, quiet=quiet, highlight=False)
    comparison = compare_optimizers(
        found,
        [name.strip() for name in optimizers.split(",") if name.strip()],
        epochs=epochs,
        seeds=seeds,
        choose=choose,
        highest=highest,
        rates=rates,
        runs=folder / "runs" if keep else None,
        progress=False,
        told=lambda words: errors.print(words, style="dim", markup=False),
    )
    folder.mkdir(parents=True, exist_ok=True)
    write(comparison, folder)
    if not quiet:
        show(comparison, Console(highlight=False))
        print(f"\n{folder}/optimizers.svg, optimizers.json")
    return 0


def _rate(words: str) -> tuple[str, float]:
    name, equals, value = words.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise click.UsageError(
            f"--rate needs NAME=VALUE, as in sgd=0.1, found {words!r}{'' if equals else ' without ='}."
        ) from None
