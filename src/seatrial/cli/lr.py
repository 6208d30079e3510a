"""`seatrial lr [--steps N] [--seconds S] [--out DIR] TASK.py[:NAME]`, or a script: `seatrial lr train.py ARGS...`."""

from __future__ import annotations

import ast
import json
import math
import shlex
from collections.abc import Callable
from pathlib import Path

import click

from seatrial.cli.threads import let_threads_sleep
from seatrial.errors import UsageProblem


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--steps", type=click.IntRange(min=1), help="Number of steps of the training that the rate is for.  [10 epochs]"
)
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=20.0, show_default=True, help="CPU time to spend."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for rate.json and rate.html.")
@click.option("--json", "as_json", is_flag=True, help="Print the contents of rate.json (for a task).")
@click.option("--quiet", is_flag=True, help="Print nothing; the files are still written.")
@click.option("--script", is_flag=True, help="Take the file for a script, even if it looks like a task.")
@click.option("-m", "--module", is_flag=True, help="The script is named as a module, as for `python -m`.")
@click.option(
    "--stop",
    type=click.IntRange(min=0),
    default=64,
    show_default=True,
    help="End a script after this many optimizer steps, as Ctrl-C would; 0: let it run to its end.",
)
@click.argument("task", metavar="TASK.py[:NAME]|SCRIPT")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(
    steps: int | None,
    seconds: float,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    script: bool,
    module: bool,
    stop: int,
    task: str,
    args: tuple[str, ...],
) -> Callable[[], int] | int:
    """Find the learning rate with which training ends best.

    A range test on copies shows where to look, short trainings of copies decide. For a task, a file that makes a seatrial.Task,
    nothing else happens. A script is run under watch until some of its steps are recorded, and copies of these are trained:
    what it writes until then, and what it does when Ctrl-C ends it, happens. The exit status is 0 where a rate is suggested,
    1 where none is.
    """
    if script or module or not describes_task(task):
        from seatrial.launch.program import Program
        from seatrial.launch.rating import RateSession

        return RateSession(Program(task, module, args), out, quiet, stop, steps, seconds).run
    if args:
        given = shlex.join(args)
        raise UsageProblem(
            f"Expected nothing after the task {task}, found {given}.",
            "task-arguments",
            f"Put options before the file: seatrial lr {given} {task}. With --script the file runs as a script.",
        )
    let_threads_sleep()
    return _of_task(task, steps, seconds, out, as_json, quiet)


def _of_task(task: str, steps: int | None, seconds: float, out: Path | None, as_json: bool, quiet: bool) -> int:
    from seatrial.launch.folder import default_folder
    from seatrial.practice.rates import find_rate
    from seatrial.practice.taskfile import find
    from seatrial.report.json import strict
    from seatrial.report.rates import PAGE, as_data, lines, write

    program, described = find(task)
    found = find_rate(described, steps=steps, seconds=seconds, progress=not quiet)
    folder = out or default_folder(program)
    try:
        write(found, folder)
    except OSError as error:
        hint = "Give --out another folder."
        raise UsageProblem(
            f"Expected a folder that can be written to at {folder}, found: {error.strerror}.", "out-not-writable", hint
        ) from error
    if as_json:
        click.echo(json.dumps(strict(as_data(found)), indent=1))
    elif not quiet:
        for line in (*lines(found), f"Pictures: {folder / PAGE}"):
            click.echo(line)
    return 0 if math.isfinite(found.rate) else 1


def describes_task(words: str) -> bool:
    """Whether a file is one that makes a task, from its text alone: it takes `Task` from seatrial, or a name is asked for.

    A file that cannot be read or parsed counts as a script: running it says best what is wrong."""
    file, colon, name = words.rpartition(":")
    if colon and file and name.isidentifier():
        return True
    try:
        tree = ast.parse(Path(words).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "seatrial":
            if any(each.name == "Task" for each in node.names):
                return True
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "seatrial.Task":
            return True
    return False
