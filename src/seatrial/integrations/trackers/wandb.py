"""Weights & Biases: scalars, findings as a table, figures as images, the report as a page and an artifact.

In the mode that the environment or the script chose: what is offline stays on this machine. A run is gone on in by its id; if
offline, in a folder beside its first one, which `wandb sync` brings together in order of time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.integrations.trackers.parcel import COLUMNS, PREFIX, Parcel
from seatrial.integrations.trackers.tracker import Known, Sent, needed

if TYPE_CHECKING:
    from seatrial.integrations.trackers.hearing import Heard

_STEP = f"{PREFIX}/step"  # of the training, as seatrial counts it: a script's own steps stay apart
_OFFLINE = "offline-run-"


def check(where: str) -> None:
    """`where` is a project, or entity/project."""
    needed("wandb", "wandb", "wandb")


def own_run(heard: Heard, started: float) -> Known:
    """The last run that the script made a folder for."""
    return {"folder": heard.wandb_runs[-1]} if heard.wandb_runs else {}


def send(parcel: Parcel, where: str, known: Known) -> Sent:
    """Into the known run where it is one of the project `where`, else a run of its own there (else in "seatrial")."""
    import wandb

    live: Any = wandb.run
    if live is not None and _is(where, live.entity, live.project):
        _fill(live, parcel, wandb, live.step)
        return Sent({"folder": _folder(live)}, _seen(live))
    run, step = _begun(parcel, where, known, wandb)
    try:
        _fill(run, parcel, wandb, step)
    finally:
        run.finish(exit_code=parcel.exit_code)
    if run.disabled:
        return Sent({}, "nowhere: the environment disables it")
    return Sent({"folder": _folder(run)}, _seen(run))


def _begun(parcel: Parcel, where: str, known: Known, wandb: Any) -> tuple[Any, int]:
    """The run to write to, and at which step its history goes on."""
    from seatrial.integrations.trackers.wandb_file import kept

    settings = wandb.Settings(console="off", silent=True, x_disable_stats=True, x_disable_meta=True, disable_git=True)
    settings.disable_code = True
    folder = Path(known.get("folder", ""))
    mode = (
        "offline" if folder.name.startswith(_OFFLINE) else None
    )  # a script that is offline by itself stays so, wherever
    earlier = kept(folder) if known else None
    if earlier is None or not _is(where, earlier.entity, earlier.project):
        entity, _, project = where.rpartition("/")
        project, entity = project or os.environ.get("WANDB_PROJECT") or PREFIX, entity or None
        run = wandb.init(
            project=project, entity=entity, name=parcel.name, job_type=PREFIX, mode=mode, settings=settings
        )
        return run, 0
    run = wandb.init(
        project=earlier.project,
        entity=earlier.entity or None,
        id=earlier.id,
        resume="allow",
        dir=str(folder.parent.parent),
        mode=mode,
        settings=settings,
    )
    return run, max(run.step, earlier.steps)


def _is(where: str, entity: str | None, project: str) -> bool:
    """Whether a project, of an entity that is not always known, is the one that `where` names ("": any)."""
    wanted, _, name = where.rpartition("/")
    return name in ("", project) and (not wanted or not entity or wanted == entity)


def _fill(run: Any, parcel: Parcel, wandb: Any, step: int) -> None:
    run.define_metric(_STEP, hidden=True)
    run.define_metric(f"{PREFIX}/*", step_metric=_STEP)
    for at, (tick, values) in enumerate(parcel.by_step(), start=step):
        run.log({_STEP: tick, **values}, step=at)
    pictures = {f"{PREFIX}/figures/{name}": _image(picture, wandb) for name, picture in parcel.figures.items()}
    page = next(file for file in parcel.files if file.suffix == ".html")
    table = wandb.Table(columns=list(COLUMNS), data=[list(each.row) for each in parcel.findings])
    run.log({f"{PREFIX}/findings": table, f"{PREFIX}/report": wandb.Html(str(page), inject=False), **pictures})
    run.summary[f"{PREFIX}/verdict"] = parcel.headline
    for name, value in parcel.totals.items():
        run.summary[f"{PREFIX}/{name}"] = value
    report = wandb.Artifact(f"{PREFIX}-{run.id}", type="report")
    for file in parcel.files:
        report.add_file(str(file))
    run.log_artifact(report)


def _image(picture: bytes, wandb: Any) -> Any:
    import io

    from PIL import Image

    return wandb.Image(Image.open(io.BytesIO(picture)))


def _folder(run: Any) -> str:
    return str(Path(run.settings.sync_dir).absolute())


def _seen(run: Any) -> str:
    return run.url or f"{_folder(run)} (offline: wandb sync)"
