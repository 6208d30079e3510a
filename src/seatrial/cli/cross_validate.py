"""`seatrial cross-validate [--folds K] [--repeats N] [--out DIR] ... TASK.py[:NAME] [TASK.py[:NAME] ...]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seatrial.cli.threads import let_threads_sleep


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the trainings, their predictions, scores.csv.")
@click.option("--folds", type=int, default=5, show_default=True, help="Parts that are tested on in turn.")
@click.option("--repeats", type=int, default=1, show_default=True, help="How often they are drawn.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the folds: the same for methods to be compared."
)
@click.option("--inner", type=int, default=3, show_default=True, help="Folds within the folds, to choose among tasks.")
@click.option("--epochs", type=int, default=30, show_default=True, help="At most, in each training.")
@click.option("--patience", type=int, default=5, show_default=True, help="As for train.")
@click.option("--choose", default="loss", show_default=True, help="What is measured: loss, or a metric of the task.")
@click.option("--highest", is_flag=True, help="The best value of that is the highest.")
@click.option("--accelerator", default="auto", show_default=True, help="cpu, cuda, mps, auto.")
@click.option("--resume", is_flag=True, help="Go on with what is in --out.")
@click.option("--quiet", is_flag=True, help="Print the result only.")
@click.argument("tasks", nargs=-1, required=True, metavar="TASK.py[:NAME] ...")
def command(
    out: Path | None,
    folds: int,
    repeats: int,
    seed: int,
    inner: int,
    epochs: int,
    patience: int,
    choose: str,
    highest: bool,
    accelerator: str,
    resume: bool,
    quiet: bool,
    tasks: tuple[str, ...],
) -> int:
    """Measure a task on little data by training it on folds of them.

    With several tasks one is chosen anew for each fold, by folds within the others (nested cross-validation): the figure is then that of
    choosing among them so.
    """
    let_threads_sleep()
    from rich.console import Console

    from seatrial.launch.folder import default_folder
    from seatrial.practice.cross_validation.showing import show, write
    from seatrial.practice.cross_validation.validating import cross_validate
    from seatrial.practice.fitting.settings import Settings
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
        settings=Settings(epochs, patience, choose, highest, accelerator=accelerator),
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
