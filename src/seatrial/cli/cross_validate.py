"""`seatrial cross-validate [--folds K] [--repeats N] [--out DIR] ... TASK.py[:NAME] [TASK.py[:NAME] ...]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seatrial.cli import options

if TYPE_CHECKING:
    from seatrial.practice.fitting.settings import Settings


@click.command()
@options.out("Folder for the trainings, their predictions, scores.csv.")
@options.number("--folds", 5, "Number of parts, each of which is the test data once.")
@options.number("--repeats", 1, "How often the folds are drawn.")
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Seed of the folds; use the same one for methods that you compare.",
)
@options.number("--inner", 3, "Folds within each fold, to choose among tasks.")
@options.into_settings(
    options.epochs(30, "Most epochs of each training."),
    options.patience(),
    options.choose("What is measured: loss, or a metric of the task."),
    options.highest,
    options.accelerator,
)
@click.option("--resume", is_flag=True, help="Go on with what is in --out.")
@click.option("--quiet", is_flag=True, help="Print only the result.")
@click.argument("tasks", nargs=-1, required=True, metavar="TASK.py[:NAME] ...")
def command(
    out: Path | None,
    folds: int,
    repeats: int,
    seed: int,
    inner: int,
    settings: Settings,
    resume: bool,
    quiet: bool,
    tasks: tuple[str, ...],
) -> int:
    """Measure a task on little data by training it on folds of them.

    With several tasks one is chosen anew for each fold, by folds within the others (nested cross-validation): the figure is then that of
    choosing among them so.
    """
    from rich.console import Console

    from seatrial.launch.folder import default_folder
    from seatrial.practice.cross_validation.showing import show, write
    from seatrial.practice.cross_validation.validating import cross_validate
    from seatrial.practice.taskfile import find

    if resume and out is None:
        raise click.UsageError("--resume needs --out, the folder to go on in.")
    described = [find(words) for words in tasks]
    names: dict[str, Any] = {words: task for words, (_, task) in zip(tasks, described, strict=True)}
    folder = out or default_folder(described[0][0])
    errors = Console(stderr=True, quiet=quiet, highlight=False)
    found = cross_validate(
        described[0][1],
        folds=folds,
        repeats=repeats,
        seed=seed,
        candidates=names if len(names) > 1 else None,
        inner=inner,
        settings=settings,
        out=folder,
        resume=resume,
        progress=False,
        told=lambda words: errors.print(words, style="dim", markup=False),
    )
    write(found, folder)
    if quiet:
        print(found.said()[0])
    else:
        show(found, Console(highlight=False))
        print(
            f"\n{folder}/scores.csv, cross-validation.json; two methods are compared by `seatrial compare` on both scores.csv"
        )
    return 0
