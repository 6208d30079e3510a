"""`seatrial train [--epochs N] [--out DIR] [--resume] ... TASK.py[:NAME]`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from seatrial.cli.threads import let_threads_sleep
from seatrial.cli.track import track_option, tracked


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder for checkpoints, history, record and report.")
@click.option("--resume", is_flag=True, help="Go on with the training in --out, as if it had not been interrupted.")
@click.option("--epochs", type=int, default=30, show_default=True, help="Passes over the training data, at most.")
@click.option(
    "--patience",
    type=int,
    default=5,
    show_default=True,
    help="Epochs without improvement of the validation; 0: never stop.",
)
@click.option(
    "--choose",
    default="loss",
    show_default=True,
    help="What the best epoch is chosen by: loss, or a metric of the task.",
)
@click.option("--highest", is_flag=True, help="The best value of that is the highest.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the model, the order of examples, all that is drawn."
)
@click.option(
    "--subset", type=float, default=1.0, show_default=True, help="Train on this share of the examples, e.g. 0.1."
)
@click.option(
    "--clip", type=float, default=0.0, show_default=True, help="Largest norm of the gradient; 0: not clipped."
)
@click.option(
    "--optimizer", default="", help="sgd (with momentum), adamw or schedule-free, in place of the task's own."
)
@click.option("--rate", default="", help="Learning rate, or found; with --optimizer it is found if nothing is given.")
@click.option("--schedule", default="", help="constant, step, plateau, cosine, wsd, ...: see seatrial schedules.")
@click.option("--accelerator", default="auto", show_default=True, help="cpu, cuda, mps, auto.")
@click.option("--devices", type=int, default=1, show_default=True, help="So many of them, a process each.")
@click.option(
    "--precision", default="32-true", show_default=True, help="As Fabric names it: 32-true, bf16-mixed, 16-mixed."
)
@click.option(
    "--quiet", is_flag=True, help="Print nothing while it trains, and no report; the files are written all the same."
)
@track_option
@click.argument("task", metavar="TASK.py[:NAME]")
def command(
    out: Path | None,
    resume: bool,
    epochs: int,
    patience: int,
    choose: str,
    highest: bool,
    seed: int,
    subset: float,
    clip: float,
    optimizer: str,
    rate: str,
    schedule: str,
    accelerator: str,
    devices: int,
    precision: str,
    quiet: bool,
    track: tuple[str, ...],
    task: str,
) -> int:
    """Train the task that a file describes: validation, checkpoints, stopping early; watched meanwhile.

    The exit status is 1 where an error was found, 0 where none was, 2 where the task is not what it should be. After an interruption
    the same command with --resume goes on, bit for bit.
    """
    let_threads_sleep()
    from seatrial.integrations.trackers.sending import send_all
    from seatrial.launch.folder import default_folder
    from seatrial.practice.fitting.checkpoints import STATE
    from seatrial.practice.fitting.fit import fit
    from seatrial.practice.fitting.settings import FOUND, Settings
    from seatrial.practice.optimizers.kinds import OWN
    from seatrial.practice.taskfile import find
    from seatrial.report import show

    settings = Settings(
        epochs,
        patience,
        choose,
        highest,
        seed,
        subset,
        clip,
        optimizer,
        rate_of(rate, FOUND if optimizer not in ("", OWN) else 0.0),
        schedule,
        accelerator=accelerator,
        devices=devices,
        precision=precision,
    )
    if resume and out is None:
        raise click.UsageError("--resume needs --out, the folder of the training to go on with.")
    trackers = tracked(track, task)
    program, found = find(task)
    folder = out or default_folder(program)
    try:
        done = fit(found, folder, settings, resume=resume, progress=not quiet)
    except KeyboardInterrupt:
        if (folder / STATE).exists():
            print(f"seatrial: to go on: {_again(folder)}", file=sys.stderr)
        raise
    if not quiet and done.is_first:
        show(done.verdict, done.folder)
        for each in done.readings:
            print(each.sentences, file=sys.stderr)
    if done.is_first:
        send_all(done.folder, trackers, sys.stderr, quiet)
    return 1 if done.verdict.errors or done.ending else 0


def rate_of(words: str, otherwise: float | str) -> float | str:
    """The rate that was asked for: a figure, or "found"."""
    if not words:
        return otherwise
    try:
        return float(words)
    except ValueError:
        return words


def _again(folder: Path) -> str:
    """The command that goes on with this training."""
    given = sys.argv[1:]
    more = [
        *(["--resume"] if "--resume" not in given else []),
        *(["--out", str(folder)] if not _has_out(given) else []),
    ]
    return shlex.join(["seatrial", given[0], *more, *given[1:]])


def _has_out(given: list[str]) -> bool:
    return any(word == "--out" or word.startswith("--out=") for word in given)
