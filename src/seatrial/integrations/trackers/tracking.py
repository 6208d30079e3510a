"""`track`: send a run that is over to trackers of experiments. Lists the trackers; a new one is a file and a line here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial import files
from seatrial.errors import UsageProblem
from seatrial.integrations.trackers import mlflow, tensorboard, trackio, wandb
from seatrial.launch.folder import SENT
from seatrial.targets import Target, targets

if TYPE_CHECKING:
    from seatrial.integrations.trackers.parcel import Parcel
    from seatrial.integrations.trackers.tracker import Known, Tracker

KNOWN: Mapping[str, Tracker] = {"mlflow": mlflow, "tensorboard": tensorboard, "trackio": trackio, "wandb": wandb}


def track(run: str | os.PathLike[str], *trackers: str) -> tuple[str, ...]:
    """Send a run that is over to trackers: its curves, findings, figures and report.

    Where a run of the tracker is live in this process, it goes there; sent again, it goes to the run that took it before. Otherwise it
    becomes a run of its own.

    Args:
        run: the folder that `seatrial run`, `check`, `train`, `practice` or a `Monitor` left.
        trackers: `mlflow[:URI]`, `tensorboard[:DIR]`, `trackio[:PROJECT]`, `wandb[:PROJECT]`.

    Returns:
        Where each can be seen.

    Raises:
        UsageProblem: there is no such run or tracker, a library is missing, or a tracker did not take the run.
    """
    wanted = targets(trackers, "track")
    check(wanted)
    from seatrial.integrations.trackers.packing import packed

    sent = packed(Path(run))
    return tuple(send(sent, each) for each in wanted)


def check(wanted: Iterable[Target]) -> None:
    """Refuse, before any work, what can be known not to work.

    Raises:
        UsageProblem: a library is missing, a server does not answer, a folder is none.
    """
    for each in wanted:
        KNOWN[each.tracker].check(each.where)


def send(sent: Parcel, target: Target) -> str:
    """Send to one tracker and remember the run that took it. Returns where it can be seen.

    Raises:
        UsageProblem: the tracker did not take it.
    """
    known = remembered(sent.folder).get(str(target), {})
    try:
        done = KNOWN[target.tracker].send(sent, target.where, known)
    except Exception as error:  # whatever a library raises: the run and its report are on disk
        raise UsageProblem(
            f"Expected {target} to take the run, found: {type(error).__name__}: {error}".rstrip(".") + ".",
            "not-sent",
            again(sent.folder, target),
        ) from error
    remember(sent.folder, {str(target): done.known})
    return done.seen


def again(folder: Path, target: Target) -> str:
    """What to do where a run was not sent."""
    return f"Its report is in {folder}. To send it: seatrial report {folder} --track {target}"


# ---- which runs took it ------------------------------------------------------------------------------------------------


def remembered(folder: Path) -> dict[str, Known]:
    """The runs of trackers that a run belongs to, by target; {} where none is known."""
    try:
        found = json.loads((folder / SENT).read_text(encoding="utf-8"))
        return {str(target): {str(key): str(value) for key, value in known.items()} for target, known in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def remember(folder: Path, known: Mapping[str, Known]) -> None:
    """Keep them beside the record; those that are known already stay."""
    kept = {**remembered(folder), **{target: each for target, each in known.items() if each}}
    files.replace(folder / SENT, (json.dumps(kept, indent=1) + "\n").encode())
