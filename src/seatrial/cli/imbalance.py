"""`seatrial imbalance [--remedies A,B] [--seeds N] [--metric NAME] [--epochs N] [--out DIR] TASK.py[:NAME]`."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli import options
from seatrial.cli.threads import let_threads_sleep

_EPILOG = (
    "Remedies: plain, own (the task's own loss, where it is not plain), threshold, adjusted-afterwards, logit-adjusted, class-weights, effective-number, balanced-sampling, "
    "undersampling, focal, dice (segmentation), smote, borderline-smote, adasyn, smote-enn (tables); two at once as in focal+threshold. "
    "Metrics: balanced-accuracy, worst-recall, g-mean, f1, macro-f1, mean-iou, mcc, accuracy."
)


@click.command(epilog=_EPILOG)
@options.out("Folder for imbalance.json, imbalance.svg and all trainings.")
@click.option(
    "--remedies", default="", help="Which of those below, separated by commas; all that the task allows if left out."
)
@click.option("--metric", default="balanced-accuracy", show_default=True, help="Metric by which they are compared.")
@options.number("--seeds", 3, "Trainings of each remedy.")
@options.number("--epochs", 20, "Passes over the data in each training.")
@options.quiet
@options.task
def command(out: Path | None, remedies: str, metric: str, seeds: int, epochs: int, quiet: bool, task: str) -> int:
    """Compare remedies for rare classes on a task's validation data, and recommend one.

    Called again with the same --out, it goes on where it was interrupted. Where classes are about equally common, it says so and trains
    nothing, unless remedies are named.
    """
    let_threads_sleep()
    from rich.console import Console

    from seatrial.launch.folder import default_folder
    from seatrial.practice.imbalance.advice import recommended
    from seatrial.practice.imbalance.comparing import compare_remedies
    from seatrial.practice.imbalance.rarity import UNEQUAL, rarity, told
    from seatrial.practice.imbalance.showing import JSON, PICTURE, show, write
    from seatrial.practice.taskfile import find

    program, found = find(task)
    names = [name.strip() for name in remedies.split(",") if name.strip()]
    known = rarity(found)
    if not names and known.ratio < UNEQUAL:
        print("\n".join(told(known)))
        return 0
    folder = out or default_folder(program)
    errors = Console(stderr=True, quiet=quiet, highlight=False)
    comparison = compare_remedies(
        found,
        names,
        metric=metric,
        seeds=seeds,
        epochs=epochs,
        out=folder,
        progress=False,
        told=lambda words: errors.print(words, style="dim", markup=False),
    )
    advice = recommended(comparison, found)
    write(comparison, advice, folder)
    if not quiet:
        show(comparison, advice, Console(highlight=False))
        print(f"\n{folder}/{PICTURE}, {JSON}")
    return 0
