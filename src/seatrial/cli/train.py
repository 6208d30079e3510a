"""`seatrial train [--epochs N] [--out DIR] [--resume] ... TASK.py[:NAME]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli import options
from seatrial.cli.again import again
from seatrial.cli.track import track_option, tracked

if TYPE_CHECKING:
    from seatrial.practice.fitting.settings import Settings


@click.command()
@options.out("Folder for checkpoints, history, record and report.")
@click.option("--resume", is_flag=True, help="Go on with the training in --out, as if it had not been interrupted.")
@options.into_settings(
    options.epochs(30, "Most passes over the training data."),
    options.patience("Stop after this many epochs without improvement on the validation data; 0: never."),
    options.choose("What the best epoch is chosen by: loss, or a metric of the task."),
    options.highest,
    options.seed("Seed of the model, the order of examples and all other random numbers."),
    options.number("--subset", 1.0, "Train on this share of the examples, e.g. 0.1."),
    options.number("--clip", 0.0, "Largest norm of the gradient; 0: not clipped."),
    click.option(
        "--optimizer", default="", help="sgd (with momentum), adamw or schedule-free, in place of the task's own."
    ),
    options.rate,
    click.option("--schedule", default="", help="constant, step, plateau, cosine, wsd, ...: see seatrial schedules."),
    options.accelerator,
    options.number("--devices", 1, "Number of devices, with a process for each."),
    click.option(
        "--precision", default="32-true", show_default=True, help="As Fabric names it: 32-true, bf16-mixed, 16-mixed."
    ),
)
@click.option(
    "--quiet", is_flag=True, help="Print nothing while it trains, and no report; the files are still written."
)
@track_option
@options.task
def command(out: Path | None, resume: bool, settings: Settings, quiet: bool, track: tuple[str, ...], task: str) -> int:
    """Train the task that a file describes: validation, checkpoints, stopping early; watched meanwhile.

    The exit status is 1 where an error was found, 0 where none was, 2 where the task is not what it should be. After an interruption
    the same command with --resume goes on, bit for bit.
    """
    from seatrial.integrations.trackers.sending import send_all
    from seatrial.launch.folder import default_folder
    from seatrial.practice.fitting.checkpoints import STATE
    from seatrial.practice.fitting.fit import fit
    from seatrial.practice.taskfile import find
    from seatrial.report import show

    if resume and out is None:
        raise click.UsageError("--resume needs --out, the folder of the training to go on with.")
    trackers = tracked(track, task)
    program, found = find(task)
    folder = out or default_folder(program)
    try:
        done = fit(found, folder, settings, resume=resume, progress=not quiet)
    except KeyboardInterrupt:
        if (folder / STATE).exists():
            print(f"seatrial: to go on: {again(folder, '--resume')}", file=sys.stderr)
        raise
    if not quiet and done.is_first:
        show(done.verdict, done.folder)
        for each in done.readings:
            print(each.sentences, file=sys.stderr)
    if done.is_first:
        send_all(done.folder, trackers, sys.stderr, quiet)
    return 1 if done.verdict.errors or done.ending else 0
