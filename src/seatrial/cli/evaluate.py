"""`seatrial evaluate [--weights FILE]... [--on PART] [--calibrate-on FILE] [--out DIR] TASK.py[:NAME] | PREDICTIONS...`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli.threads import let_threads_sleep

if TYPE_CHECKING:
    from seatrial.evaluation.predictions import Predictions

TABLES = (".npz", ".csv")


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for predictions, evaluation.json and evaluation.html.",
)
@click.option(
    "--weights",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Weights of the task's model, as `seatrial train` leaves them: best.safetensors. May be given several times, once for each training.",
)
@click.option("--on", default="validation", show_default=True, help="Data of the task: validation, or train.")
@click.option(
    "--calibrate-on",
    type=click.Path(path_type=Path),
    help="Predictions of the same model for other data; the temperature is fitted on them.",
)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Level of the intervals.",
)
@click.option("--quiet", is_flag=True, help="Print nothing; the files are still written.")
@click.argument("given", nargs=-1, required=True, metavar="TASK.py[:NAME] | PREDICTIONS...")
def command(
    out: Path | None,
    weights: tuple[Path, ...],
    on: str,
    calibrate_on: Path | None,
    level: float,
    quiet: bool,
    given: tuple[str, ...],
) -> int:
    """Say how well a model does: figures with intervals, each class, calibration, slices that do worse.

    Evaluates a task with the weights of one or several trainings, or predictions in .npz or .csv files, one for each training. Other
    columns of a .csv are searched for slices; columns rater:NAME hold what several raters said. Sealed test data stay sealed: only
    `seatrial practice` (at its end) and `seatrial vault open` open a vault.
    """
    let_threads_sleep()
    from seatrial.evaluation.evaluating import evaluate
    from seatrial.evaluation.predictions import Predictions
    from seatrial.evaluation.tables import other_columns, raters
    from seatrial.launch.folder import folder_for
    from seatrial.practice.evaluating.evaluating import PAGE, PARTS, write

    validation = None if calibrate_on is None else Predictions.read(calibrate_on)
    if given[0].endswith(TABLES):
        if weights:
            raise click.UsageError("--weights are for a task: predictions need none.")
        trainings, label, first = [Predictions.read(path) for path in given], Path(given[0]).stem, Path(given[0])
        columns = other_columns(first) if first.suffix == ".csv" else {}
        people = raters(first, trainings[0].classes) if first.suffix == ".csv" else None
        remarks: list[str] = []
    else:
        trainings, label = _of_task(given, weights, on)
        columns, people, remarks = {}, None, [PARTS[on]]
    found = evaluate(trainings, validation=validation, columns=columns, raters=people, remarks=remarks, level=level)
    folder = out or folder_for(f"evaluation-{label}")
    write(found, trainings, folder)
    if not quiet:
        for sentence in found.sentences:
            click.echo(sentence)
        click.echo(f"\nFull report: {folder / PAGE}", err=True)
    return 0


def _of_task(given: tuple[str, ...], weights: tuple[Path, ...], on: str) -> tuple[list[Predictions], str]:
    from seatrial.practice.evaluating.evaluating import predicted
    from seatrial.practice.taskfile import find

    if len(given) != 1:
        raise click.UsageError(
            f"One task, or several files of predictions ({', '.join(TABLES)}), found {' '.join(given)}."
        )
    if not weights:
        raise click.UsageError("A task needs --weights, e.g. the best.safetensors that `seatrial train` leaves.")
    program, task = find(given[0])
    trainings = predicted(task, weights, on, task.name or Path(program.name).stem)
    if task.vault is not None:
        print(
            f"seatrial: {task.vault} stays sealed: `seatrial practice` opens it at its end, or `seatrial vault open`.",
            file=sys.stderr,
        )
    return trainings, Path(program.name).stem
