"""`seatrial ensemble [--members N] [--kinds KINDS] [--checkpoints PATH]... [--out DIR] ... TASK.py[:NAME]`."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli.threads import let_threads_sleep


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder for all files; the same one goes on after a kill.")
@click.option("--members", type=int, default=5, show_default=True, help="Trainings with other seeds; and snapshots.")
@click.option(
    "--kinds",
    default="seeds,soup,classical",
    show_default=True,
    help="Where members come from: seeds, snapshots, averages (EMA, SWA), soup, classical; with commas.",
)
@click.option(
    "--checkpoints",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Saved weights of the task's model, or a folder of them; may be given several times.",
)
@click.option("--epochs", type=int, default=30, show_default=True, help="Of each training, at most.")
@click.option("--patience", type=int, default=5, show_default=True, help="As for train.")
@click.option(
    "--choose", default="loss", show_default=True, help="What a training's best epoch is chosen by, as for train."
)
@click.option("--highest", is_flag=True, help="The best value of that is the highest.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the first training; the others follow.")
@click.option("--optimizer", default="", help="As for train.")
@click.option("--rate", default="", help="As for train; found once for all.")
@click.option("--schedule", default="", help="As for train.")
@click.option("--accelerator", default="auto", show_default=True, help="cpu, cuda, mps, auto.")
@click.option("--quiet", is_flag=True, help="Print nothing; the files are written all the same.")
@click.argument("task", metavar="TASK.py[:NAME]")
def command(
    out: Path | None,
    members: int,
    kinds: str,
    checkpoints: tuple[Path, ...],
    epochs: int,
    patience: int,
    choose: str,
    highest: bool,
    seed: int,
    optimizer: str,
    rate: str,
    schedule: str,
    accelerator: str,
    quiet: bool,
    task: str,
) -> int:
    """Combine several models of a task: other seeds, snapshots, weight averages, saved checkpoints, classical models.

    Members and weights are chosen by the validation data alone. Says what the choice is worth on examples that did not choose it, how
    independent the members' errors are, and what they would do if they were.
    """
    let_threads_sleep()
    from rich.console import Console

    from seatrial.cli.train import rate_of
    from seatrial.launch.folder import default_folder
    from seatrial.practice.ensembles.ensemble import ensemble
    from seatrial.practice.ensembles.showing import FIGURES, PICTURE, show, write
    from seatrial.practice.fitting.settings import FOUND, Settings
    from seatrial.practice.optimizers.kinds import OWN
    from seatrial.practice.taskfile import find

    settings = Settings(
        epochs,
        patience,
        choose,
        highest,
        seed,
        optimizer=optimizer,
        rate=rate_of(rate, FOUND if optimizer not in ("", OWN) else 0.0),
        schedule=schedule,
        accelerator=accelerator,
    )
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
