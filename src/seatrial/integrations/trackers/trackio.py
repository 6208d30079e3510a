"""trackio: scalars, findings as a table and text, figures as images, the report as an artifact; in its local database, or
wherever the environment says (TRACKIO_SPACE_ID, TRACKIO_SERVER_URL)."""

from __future__ import annotations

import re
import sys
import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from seatrial.integrations.trackers.parcel import COLUMNS, PREFIX, Parcel
from seatrial.integrations.trackers.tracker import Known, Sent, needed

if TYPE_CHECKING:
    from seatrial.integrations.trackers.hearing import Heard


def check(where: str) -> None:
    """`where` is a project."""
    needed("trackio", "trackio", "trackio")


def own_run(heard: Heard, started: float) -> Known:
    """The run that the script began in its last project; {} where several did so meanwhile: which is its own is not known."""
    context: Any = sys.modules.get("trackio.context_vars")
    storage: Any = sys.modules.get("trackio.sqlite_storage")
    project = context.current_project.get() if context is not None else None
    if not project or storage is None:
        return {}
    runs = storage.SQLiteStorage.get_run_records(project)
    names = {str(run["name"]) for run in runs if _time(run["created_at"]) >= started}
    return {"project": project, "run": names.pop()} if len(names) == 1 else {}


def _time(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def send(parcel: Parcel, where: str, known: Known) -> Sent:
    """Into the known run where it is one of the project `where`, else a run of its own there (else in "seatrial")."""
    import trackio
    from trackio import context_vars

    live: Any = context_vars.current_run.get()
    if live is not None and where in ("", live.project):
        run, project, name = live, live.project, live.name
    else:
        same = known if where in ("", known.get("project")) else {}
        project, name = same.get("project") or where or PREFIX, same.get("run") or parcel.name
        run = trackio.init(project, name, resume="allow", embed=False, auto_log_cpu=False, auto_log_gpu=False)
    try:
        _fill(run, parcel, trackio)
    finally:
        if run is not live:
            trackio.finish()
    return Sent({"project": project, "run": name}, f"run {name}: trackio show --project {project}")


def _fill(run: Any, parcel: Parcel, trackio: Any) -> None:
    rows = parcel.by_step()
    for step, values in rows:
        run.log(values, step=step)
    last = rows[-1][0] if rows else 0
    totals = {f"{PREFIX}/{name}": value for name, value in parcel.totals.items()}
    table = trackio.Table(columns=list(COLUMNS), data=[list(each.row) for each in parcel.findings])
    text = trackio.Markdown(parcel.markdown)
    run.log({**totals, f"{PREFIX}/findings": table, f"{PREFIX}/verdict": text}, step=last)
    with tempfile.TemporaryDirectory() as folder:
        for name, path in parcel.pictures_in(folder):
            run.log({f"{PREFIX}/figures/{name}": trackio.Image(str(path))}, step=last)
    report = trackio.Artifact(re.sub(r"[^A-Za-z0-9._-]", "-", f"{PREFIX}-{run.name}"), type="report")
    for file in parcel.files:
        report.add_file(str(file))
    run.log_artifact(report)
