"""MLflow: scalars as metrics, findings as tags and a page, figures and the report as artifacts."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.errors import UsageProblem
from seatrial.integrations.trackers.parcel import PREFIX, Parcel
from seatrial.integrations.trackers.tracker import Known, Sent, needed, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seatrial.integrations.trackers.hearing import Heard

_SQLITE = "sqlite:///"
_TAG = f"{PREFIX}.finding."
_LONGEST_NAME, _LONGEST_TAG, _MOST_METRICS = 250, 5000, 1000  # what a server takes, in all versions
# A server that does not answer shall not hold up the end of a run for the minutes that MLflow would wait.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}


def check(where: str) -> None:
    """`where` is a tracking URI; "" is the script's, the environment's or MLflow's default, and only known when the script has
    ended."""
    needed("mlflow", "mlflow", "mlflow")
    if where.startswith(("http://", "https://")):
        reachable(where)
    elif where.startswith(_SQLITE):
        _check_database(where)


def _check_database(uri: str) -> None:
    missing = [name for name in ("sqlalchemy", "alembic") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageProblem(
            f"Expected the packages sqlalchemy and alembic for {uri}, found no {' and no '.join(missing)}.",
            "no-tracker-library",
            "Install mlflow (mlflow-skinny alone speaks to servers only).",
        )
    file = Path(uri.removeprefix(_SQLITE))
    if file.is_dir() or not file.parent.is_dir():
        found = "a folder" if file.is_dir() else f"no folder {file.parent}"
        raise UsageProblem(
            f"Expected a file for {uri}, found {found}.", "track-folder", "Make it, or name another one."
        )


def own_run(heard: Heard, started: float) -> Known:
    """The run that was the active one last, of `mlflow.start_run` or what calls it."""
    fluent: Any = sys.modules.get("mlflow.tracking.fluent")
    # Not mlflow.last_active_run(): it would ask the server, here.
    last: Any = getattr(fluent, "_last_active_run_id", None)
    run = last.get() if last is not None else None
    return {"uri": str(sys.modules["mlflow"].get_tracking_uri()), "run": run} if run else {}


def send(parcel: Parcel, where: str, known: Known) -> Sent:
    """Into the known run where it is kept at `where`, else a run of its own in the experiment that the environment names (else
    "seatrial")."""
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    import mlflow

    client: Any = mlflow.MlflowClient(where or known.get("uri"))
    uri = _whole(str(client.tracking_uri))
    run = _same(uri, known, mlflow)
    made = not run
    if made:
        run = client.create_run(_experiment(client), run_name=parcel.name, tags={"mlflow.source.name": parcel.script})
        run = run.info.run_id
    try:
        _fill(client, run, parcel)
    finally:
        if made:
            client.set_terminated(run, "FAILED" if parcel.exit_code else "FINISHED")
    return Sent({"uri": uri, "run": run}, f"run {run} at {uri}")


def _same(uri: str, known: Known, mlflow: Any) -> str:
    """The id of the run that this one belongs to, "" where there is none at that address."""
    if known and _whole(known["uri"]) == uri:
        return known["run"]
    active = mlflow.active_run()
    return active.info.run_id if active is not None and _whole(str(mlflow.get_tracking_uri())) == uri else ""


def _whole(uri: str) -> str:
    """An address as it can be compared, and used from another folder."""
    file = uri.removeprefix(_SQLITE)
    return uri.rstrip("/") if file == uri else f"{_SQLITE}{Path(file).absolute()}"


def _experiment(client: Any) -> str:
    if number := os.environ.get("MLFLOW_EXPERIMENT_ID"):
        return number
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or PREFIX
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found is not None else client.create_experiment(name)


def _fill(client: Any, run: str, parcel: Parcel) -> None:
    metrics = list(_metrics(parcel))
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run, metrics=metrics[start : start + _MOST_METRICS])
    tags = _tags(parcel)
    for tag in client.get_run(run).data.tags:
        if tag.startswith(_TAG) and tag not in tags:  # of an earlier report of this run
            client.delete_tag(run, tag)
    for tag, text in tags.items():
        client.set_tag(run, tag, text[:_LONGEST_TAG])
    client.log_text(run, parcel.markdown, f"{PREFIX}/findings.md")
    for file in parcel.files:
        client.log_artifact(run, str(file), PREFIX)
    with tempfile.TemporaryDirectory() as folder:
        for _, path in parcel.pictures_in(folder):
            client.log_artifact(run, str(path), f"{PREFIX}/figures")


def _metrics(parcel: Parcel) -> Iterator[Any]:
    """With the same times whenever it is sent: what MLflow has already it does not take twice."""
    from mlflow.entities import Metric

    start = int(parcel.started * 1000)
    for curve in parcel.scalars:
        for tick, value in zip(curve.ticks, curve.values, strict=True):
            yield Metric(_name(curve.label), value, start + int(tick), int(tick))
    for name, value in parcel.totals.items():
        yield Metric(_name(f"{PREFIX}/{name}"), value, start, 0)


def _tags(parcel: Parcel) -> dict[str, str]:
    tags = {f"{PREFIX}.verdict": parcel.headline}
    for each in parcel.findings:
        at = f" at {each.where}" if each.where else ""
        tags[f"{_TAG}{each.name}"] = f"{each.severity}{at}: {each.message}"
    return tags


def _name(label: str) -> str:
    """A name as MLflow takes it: letters, digits and _ - . space : /"""
    kept = "".join(each if each.isalnum() or each in "_-. :/" else "" for each in label)
    return " ".join(kept.split())[:_LONGEST_NAME]
