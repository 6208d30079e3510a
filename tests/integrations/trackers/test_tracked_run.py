"""`seatrial run --track`: real trackers, their stores in a temporary folder, read back by their own readers."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import running

_missing = [name for name in ("mlflow", "tensorboard", "trackio", "wandb") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(_missing), reason=f"missing: pip install {' '.join(_missing)}")

FOUND = "model.softmax-before-cross-entropy"
STEPS = 20
# Keeps a run of each tracker, ends three of them itself, and changes its folder before it ends.
TRAIN = f"""
import os
import mlflow, torch, trackio, wandb
from torch import nn
from torch.utils.tensorboard import SummaryWriter

mlflow.set_tracking_uri("sqlite:///theirs.db")
mlflow.set_experiment("theirs")
trackio.init(project="theirs", name="their run", embed=False, auto_log_cpu=False, auto_log_gpu=False)
theirs = wandb.init(project="theirs", tags=["their tag"], settings=wandb.Settings(x_disable_stats=True))
torch.manual_seed(0)
x = torch.randn(64, 8)
y = x[:, :3].argmax(1)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with mlflow.start_run(run_name="their run"), SummaryWriter("logs/theirs") as board:
    for step in range({STEPS}):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mlflow.log_metric("loss", loss.item(), step=step)
        board.add_scalar("loss", loss.item(), step)
        theirs.log({{"loss": loss.item()}})
        trackio.log({{"loss": loss.item()}}, step=step)
    board.add_hparams({{"rate": 0.1}}, {{"last": loss.item()}})
theirs.finish()
trackio.finish()
os.makedirs("elsewhere")
os.chdir("elsewhere")
raise SystemExit(3)
"""


def environment(folder: Path, **more: str) -> dict[str, str]:
    """All that the trackers keep lies in a folder; they may speak to nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "MLFLOW_", "TRACKIO_"))}
    homes = {"HOME": folder / "home", "TRACKIO_DIR": folder / "trackio"}
    return {**kept, **{name: str(path) for name, path in homes.items()}, "OMP_NUM_THREADS": "1", **more}


def seatrial(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seatrial", *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, env=environment(folder, **more)
    )


@contextmanager
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A server on this machine that takes what it is told and hangs up: its address, and what it was told."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(2)
                    try:
                        heard.append(connection.recv(200))
                    except OSError:
                        heard.append(b"")

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heard


# Of SQLAlchemy, at how MLflow uses it, while this test reads its store.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
def test_what_is_sent_belongs_to_the_runs_that_the_script_keeps_and_nothing_leaves_the_machine(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    trackers = ("tensorboard", "mlflow", "wandb", "trackio")
    asked = [word for each in trackers for word in ("--track", each)]
    with listener() as (proxy, heard):  # all that goes by HTTP, also from other processes, would come here
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
        done = seatrial(
            tmp_path, "run", "--trials", "off", "--out", "out", *asked, "train.py", WANDB_MODE="offline", **proxies
        )
    assert done.returncode == 3, done.stderr
    assert heard == []
    assert [line.split(":")[1] for line in done.stderr.splitlines() if line.startswith("seatrial: sent to")] == [
        f" sent to {each}" for each in trackers
    ], done.stderr
    tensorboard_has(tmp_path / "logs" / "theirs")
    mlflow_has(f"sqlite:///{tmp_path / 'theirs.db'}", json.loads((tmp_path / "out" / "trackers.json").read_text()))
    wandb_has(tmp_path / "wandb", tmp_path / "out")
    trackio_has(tmp_path / "trackio" / "theirs.db", tmp_path / "trackio")


def tensorboard_has(folder: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    losses = {tag: [each.value for each in events.Scalars(tag)] for tag in ("loss", "seatrial/loss/training loss")}
    assert len(losses["loss"]) == STEPS and losses["loss"] == losses["seatrial/loss/training loss"]
    assert [each.value for each in events.Scalars("seatrial/findings/error")] == [1.0]
    (text,) = events.Tensors("seatrial/findings/text_summary")
    assert f"**error** {FOUND} (train.py:14)" in text.tensor_proto.string_val[0].decode()
    (picture,) = events.Images("seatrial/figures/loss")
    assert picture.encoded_image_string.startswith(b"\x89PNG") and picture.width > 300
    assert "<html" in (folder / "seatrial" / "report.html").read_text()
    assert [path.name for path in folder.iterdir() if path.is_dir() and path.name != "seatrial"], "those of hparams"


def mlflow_has(uri: str, known: dict[str, dict[str, str]]) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiments = client.search_experiments(filter_string="name != 'Default'")
    (run,) = client.search_runs([each.experiment_id for each in experiments])
    assert known["mlflow"]["run"] == run.info.run_id
    assert run.info.run_name == "their run" and run.info.status == "FINISHED", "as the script left it"
    theirs = [each.value for each in client.get_metric_history(run.info.run_id, "loss")]
    ours = client.get_metric_history(run.info.run_id, "seatrial/loss/training loss")
    assert [each.step for each in ours] == list(range(STEPS)) and [each.value for each in ours] == theirs
    assert run.data.metrics["seatrial/findings/error"] == 1
    assert run.data.metrics["seatrial/learning rate/optimizer 0 group 0"] == 0.1
    assert run.data.tags[f"seatrial.finding.{FOUND}"].startswith("error at train.py:14: ")
    assert run.data.tags["seatrial.verdict"] == "The program is wrong in 1 place."
    assert {"seatrial/report.html", "seatrial/findings.json", "seatrial/findings.md"} <= {
        each.path for each in client.list_artifacts(run.info.run_id, "seatrial")
    }
    assert "seatrial/figures/loss.png" in [
        each.path for each in client.list_artifacts(run.info.run_id, "seatrial/figures")
    ]


def wandb_has(folder: Path, out: Path) -> None:
    from seatrial.integrations.trackers.wandb_file import kept, records

    theirs, ours = sorted(folder.glob("offline-run-*"))
    first, both = kept(theirs), kept(ours)
    assert first is not None and both is not None
    assert (first.project, first.id) == (both.project, both.id) and first.steps == STEPS
    (file,) = ours.glob("*.wandb")
    found = list(records(file))
    (run,) = [each.run for each in found if each.WhichOneof("record_type") == "run"]
    assert run.resume and not run.tags, "tags would take the place of theirs"
    rows = [each.history for each in found if each.WhichOneof("record_type") == "history"]
    assert min(row.step.num for row in rows) == STEPS, "after their own steps"
    values = [{"/".join(item.nested_key): json.loads(item.value_json) for item in row.item} for row in rows]
    losses = [
        (row["seatrial/step"], row["seatrial/loss/training loss"])
        for row in values
        if "seatrial/loss/training loss" in row
    ]
    assert [step for step, _ in losses] == list(range(STEPS)) and 1.0 < losses[-1][1] < losses[0][1]
    assert [each.exit.exit_code for each in found if each.WhichOneof("record_type") == "exit"] == [3]
    (artifact,) = [a for each in found if (a := each.artifact).type == "report"]
    assert sorted(each.path for each in artifact.manifest.contents) == ["findings.json", "report.html"]
    (table,) = (ours / "files" / "media" / "table").rglob("*.json")
    assert [row[:3] for row in json.loads(table.read_text())["data"]] == [["error", FOUND, "train.py:14"]]
    (page,) = (ours / "files" / "media" / "html").rglob("*.html")
    assert page.read_text() == (out / "report.html").read_text()
    assert list((ours / "files" / "media" / "images").rglob("*.png"))


def trackio_has(file: Path, folder: Path) -> None:
    with sqlite3.connect(file) as database:
        rows = database.execute("SELECT run_name, run_id, step, metrics FROM metrics ORDER BY id").fetchall()
        artifacts = database.execute(
            "SELECT a.type, v.manifest FROM artifacts a JOIN artifact_versions v ON v.artifact_id = a.id"
        ).fetchall()
    database.close()
    assert len({(name, run) for name, run, _, _ in rows}) == 1 and rows[0][0] == "their run"
    values = [(step, json.loads(metrics)) for _, _, step, metrics in rows]
    theirs = [(step, row["loss"]) for step, row in values if "loss" in row]
    ours = [(step, row["seatrial/loss/training loss"]) for step, row in values if "seatrial/loss/training loss" in row]
    assert ours == theirs and len(theirs) == STEPS
    (table,) = [row["seatrial/findings"] for _, row in values if "seatrial/findings" in row]
    assert [(row["name"], row["where"]) for row in table["_value"]] == [(FOUND, "train.py:14")]
    (picture,) = [row["seatrial/figures/loss"]["file_path"] for _, row in values if "seatrial/figures/loss" in row]
    assert (folder / "media" / picture).read_bytes().startswith(b"\x89PNG")
    ((kind, manifest),) = artifacts
    assert kind == "report" and "report.html" in manifest and "findings.json" in manifest


def test_a_server_that_fails_later_costs_neither_the_report_nor_the_exit_status(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import sys\nsys.exit(3)\n")
    with listener() as (address, heard):
        done = seatrial(
            tmp_path, "run", "--quiet", "--out", "out", "--track", f"mlflow:{address}", "train.py",
            MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
        )  # fmt: skip
    assert done.returncode == 3 and len(heard) > 1
    assert (tmp_path / "out" / "report.html").is_file()
    line = done.stderr.strip()
    assert line.startswith(f"seatrial: Expected mlflow:{address} to take the run, found: ")
    assert line.endswith(f"seatrial report {tmp_path / 'out'} --track mlflow:{address} [not-sent]")
    assert "Traceback" in (tmp_path / "out" / "seatrial.log").read_text()


def test_what_cannot_work_is_refused_before_the_script_starts_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.seatrial]\ntrack = ["mlflow:sqlite:///nowhere/a.db"]\n')
    (tmp_path / "train.py").write_text("print('ran')\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.html").write_text("of an earlier run")
    for asked, said in (((), "found no folder nowhere"), (("--track", "tensorbord"), "Did you mean tensorboard?")):
        done = seatrial(tmp_path, "run", "--out", "out", *asked, "train.py")  # the settings count, or else the command
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
        assert done.stdout == "" and (tmp_path / "out" / "report.html").read_text() == "of an earlier run"


def test_a_program_sees_the_same_world_while_it_is_listened_to(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[2] / "launch" / "programs" / "everything.py", tmp_path / "train.py")
    disabled = environment(tmp_path, WANDB_MODE="disabled")
    plain = running.python(tmp_path, "train.py", env=disabled)
    listened = running.seatrial(tmp_path, "--track", "wandb", "train.py", env=disabled)
    assert "module of this" in plain.out
    assert running.without_ours(listened) == plain
    assert json.loads((tmp_path / "out-of-seatrial" / "trackers.json").read_text()) == {}, "it was sent nowhere"
