"""`seatrial ensemble [--members N] [--kinds KINDS] [--checkpoints PATH]... [--out DIR] ... TASK.py[:NAME]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli import options

if TYPE_CHECKING:
    from seatrial.practice.fitting.settings import Settings


@click.command()
@options.out("Folder for all files; give the same one to go on after an interruption.")
@options.number("--members", 5, "Number of trainings with other seeds, and of snapshots.")
@click.option(
    "--kinds",
    default="seeds,soup,classical",
    show_default=True,
    help="Where members come from: seeds, snapshots, averages (EMA, SWA), soup, classical; separated by commas.",
)
@click.option(
    "--checkpoints",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Saved weights of the task's model, or a folder of them; may be given several times.",
)
@options.into_settings(
    options.epochs(30, "Most epochs of each training."),
    options.patience(),
    options.choose("What a training's best epoch is chosen by, as for train."),
    options.highest,
    options.seed("Seed of the first training; the others take the next ones."),
    click.option("--optimizer", default="", help="As for train."),
    click.option("--rate", default="", help="As for train; found once for all."),
    click.option("--schedule", default="", help="As for train."),
    options.accelerator,
)
@options.quiet
@options.task
def command(
    out: Path | None,
    members: int,
    kinds: str,
    checkpoints: tuple[Path, ...],
    settings: Settings,
    quiet: bool,
    task: str,
) -> int:
    """Combine several models of a task: other seeds, snapshots, weight averages, saved checkpoints, classical models.

    Members and weights are chosen by the validation data alone. Says what the choice is worth on examples that did not choose it, how
    independent the members' errors are, and what they would do if they were.
    """
    from rich.console import Console

    from seatrial.launch.folder import default_folder
    from seatrial.practice.ensembles.ensemble import ensemble
    from seatrial.practice.ensembles.showing import FIGURES, PICTURE, show, write
    from seatrial.practice.taskfile import find

    program, found = find(task)
    folder = out or default_folder(program)
    errors = Console(stderr=True, quiet=quiet, highlight=False)
    made = ensemble(
        found,
        folder,
        settings,
        members=members,
        kinds=[each.strip() for each in kinds.split(",") if each.strip()],
        checkpoints=checkpoints,
        progress=not quiet,
        told=lambda words: errors.print(words, style="dim", markup=False),
    )
    write(made, folder)
    if not quiet:
        show(made, Console(highlight=False))
        print(f"\n{folder}/{PICTURE}, {FIGURES}, {made.ensemble.file.name}")
    return 0
