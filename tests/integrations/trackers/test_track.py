"""`seatrial.track`: a run that is over, sent from Python; and what of it is sent."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
from torch import nn

import seatrial
from seatrial.cli.track import tracked
from seatrial.errors import UsageProblem
from seatrial.events import Losses
from seatrial.history import Run
from seatrial.integrations.trackers import sending, tensorboard
from seatrial.integrations.trackers.hearing import Heard
from seatrial.integrations.trackers.packing import packed
from seatrial.integrations.trackers.sending import send_all
from seatrial.integrations.trackers.tracking import check, remember
from seatrial.practice.lecture.outcome import Diary, Outcome
from seatrial.record import read
from seatrial.targets import Target, targets


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is missing: pip install {name}")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of 100 steps that has an error, first filters, and a rate that stays as it is."""
    folder = tmp_path_factory.mktemp("watched")
    torch.manual_seed(0)
    with seatrial.Monitor(folder, quiet=True):
        layers = [nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4), nn.Softmax(1)]
        model = nn.Sequential(*layers)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(100):
            x, y = torch.randn(16, 1, 8, 8), torch.randint(4, (16,))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
    return folder


@pytest.fixture
def run(watched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(watched, tmp_path / "a run"))


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """As TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_what_is_sent_are_the_curves_findings_and_figures_of_the_report(run: Path) -> None:
    sent = packed(run)
    curves = {curve.label: curve for curve in sent.scalars}
    recorded = [value for event in Run.of(read(run)).every(Losses) for value in event.values]
    losses = curves["seatrial/loss/training loss"]
    assert losses.values == tuple(recorded) and len(recorded) == 100, "each once, its trend is the tracker's to draw"
    assert set(curves["seatrial/learning rate/optimizer 0, group 0"].values) == {0.1}
    assert "seatrial/update over weights/measured" in curves
    told = json.loads((run / "findings.json").read_text())["findings"]
    assert [(each.name, each.message) for each in sent.findings] == [(each["name"], each["message"]) for each in told]
    assert sum(sent.totals.values()) == len(told) and sent.totals["findings/error"] == 1
    assert {"loss", "update over weights", "filters 0.weight"} <= set(sent.figures)
    assert all(picture.startswith(b"\x89PNG") for picture in sent.figures.values())


def test_texts_of_others_are_shown_as_they_are_and_not_as_marks(run: Path) -> None:
    found = json.loads((run / "findings.json").read_text())
    found["findings"][0]["message"] = "a <img src=x onerror=alert(1)> in\n\n# [a](javascript:b) `c`"
    (run / "findings.json").write_text(json.dumps(found))
    line = next(line for line in packed(run).markdown.splitlines() if "img" in line)
    assert r"a \<img src=x onerror=alert(1)\> in \# \[a\](javascript:b) \`c\`" in line


@needs("tensorboard")
def test_tensorboard_has_a_folder_for_each_run_and_a_run_that_is_sent_again_once(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "a run"
    place = f"tensorboard:{tmp_path / 'logs'}"
    assert seatrial.track(run, place, place, "tensorboard") == (
        f"tensorboard --logdir {folder}",
        f"tensorboard --logdir {run}",
    )
    seatrial.track(run, place)
    found = scalars(folder)
    assert [step for step, _ in found["seatrial/loss/training loss"]] == list(range(100))
    assert found["seatrial/findings/error"] == [(0, 1.0)]
    assert scalars(run) == found, "without a place and a run of the script's, the run's own folder"
    assert not (run / "seatrial").exists(), "the report lies there already"


@needs("mlflow")
# Of SQLAlchemy, at how MLflow uses it.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
def test_mlflow_takes_it_into_the_run_that_is_live_or_into_one_of_its_own(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "named by the environment")
    uri = f"sqlite:///{tmp_path / 'a.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    client = mlflow.MlflowClient(uri)
    seatrial.track(run, f"mlflow:{uri}")
    experiment = client.get_experiment_by_name("named by the environment")
    (own,) = client.search_runs([experiment.experiment_id])
    assert (own.info.run_name, own.info.status) == ("a run", "FINISHED")
    with mlflow.start_run(experiment_id=experiment.experiment_id, run_name="theirs") as live:
        seatrial.track(run, "mlflow")
        assert client.get_run(live.info.run_id).info.status == "RUNNING"
    seatrial.track(run, "mlflow")  # it is remembered
    assert len(client.search_runs([experiment.experiment_id])) == 2
    for number in (own.info.run_id, live.info.run_id):
        history = client.get_metric_history(number, "seatrial/loss/training loss")
        assert [each.step for each in history] == list(range(100)), "and nothing twice"


def test_a_missing_library_is_refused_with_what_to_install(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageProblem, match=r"package trackio, found that it is not installed.*seatrial\[trackio\]"):
        seatrial.track(run, "trackio")


@needs("tensorboard")
def test_trackers_of_a_task_are_those_of_the_settings_beside_it_unless_others_are_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.seatrial]\ntrack = ["tensorboard:logs"]\n')
    task = f"{tmp_path / 'task.py'}:digits"
    assert tracked((), task) == (Target("tensorboard", "logs"),)
    assert tracked(("tensorboard",), task) == (Target("tensorboard"),)


@needs("tensorboard")
@needs("mlflow")
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("tensorboard:file/logs", "found the file file"),
        ("mlflow:sqlite:///nowhere/a.db", "found no folder nowhere"),
        ("mlflow:sqlite:///.", "found a folder"),
        ("mlflow:http://127.0.0.1:{closed}", "found none .*refused"),
        ("mlflow:http://127.0.0.1:port", "found none"),
    ],
)
def test_a_place_that_cannot_be_sent_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, said: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    with pytest.raises(UsageProblem, match=said):
        check(targets([target.format(closed=closed)], "--track"))


def test_what_is_no_run_or_has_no_report_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="Expected a run at"):
        packed(tmp_path / "elsewhere")
    (run / "report.html").unlink()
    with pytest.raises(UsageProblem, match=r"found no report.html. Make it: seatrial report"):
        packed(run)


def test_a_tracker_that_takes_too_long_is_left(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setattr(sending, "LONGEST", 0.01)
    assert not send_all(run, [Target("tensorboard")], sys.stderr, quiet=True)
    assert "it took more than 0.01 seconds. Its report is in" in capsys.readouterr().err


def test_a_scripts_own_folder_of_events_is_the_last_that_lies_in_no_other() -> None:
    heard = Heard()
    files = ("/a/first/events.1", "/a/second/events.2", "/a/second/hparams/events.3")
    heard.events_files.extend(files)
    assert tensorboard.own_run(heard, 0.0) == {"folder": "/a/second"}
    assert tensorboard.own_run(Heard(), 0.0) == {}


def test_hearing_takes_note_of_files_by_their_names_and_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard()
    heard.start()
    monkeypatch.chdir(tmp_path)
    for path in ("events.out.tfevents.1.a", b"events.out.tfevents.1.b", "other"):
        with open(path, "w"):
            pass
    (tmp_path / "wandb" / "offline-run-1-a").mkdir(parents=True)
    (tmp_path / "offline-run-1-b").mkdir()
    with pytest.raises(ValueError, match="null"):
        Path("events.out.tfevents.\0").touch()
    heard.stop()
    Path("events.out.tfevents.1.c").write_text("")
    assert [Path(each).name for each in heard.events_files][:2] == [
        "events.out.tfevents.1.a",
        "events.out.tfevents.1.b",
    ]
    assert str(tmp_path / "events.out.tfevents.1.c") not in heard.events_files
    assert heard.wandb_runs == [str(tmp_path / "wandb" / "offline-run-1-a")]


def test_what_is_known_of_runs_stays_when_more_becomes_known(run: Path) -> None:
    remember(run, {"mlflow": {"run": "1"}, "wandb": {}})
    remember(run, {"wandb": {"folder": "b"}, "mlflow": {}})
    assert json.loads((run / "trackers.json").read_text()) == {"mlflow": {"run": "1"}, "wandb": {"folder": "b"}}


def test_of_a_practice_its_last_training_and_what_its_stages_say_are_sent(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "practice"
    diary = Diary(folder, {"task": "digits"})
    diary.keep("seal", Outcome(("360 examples were <sealed>.",)))
    diary.keep("search", Outcome((), skipped="--quick"))
    shutil.copytree(run, folder / "train")
    (folder / "report.html").write_text("of the practice")
    scores = {"accuracy": {"value": 0.75, "low": 0.7, "high": 0.8}}
    assert packed(folder).headline == "Not finished yet."
    diary.keep("open", Outcome(("The accuracy is 0.75.",), values={"scores": scores}))
    sent = packed(folder)
    assert (sent.name, sent.headline) == ("practice", "The accuracy is 0.75.")
    assert sent.totals["test/accuracy"] == 0.75 and sent.totals["findings/error"] == 1
    assert r"- 360 examples were \<sealed\>." in sent.markdown and "- Skipped: --quick" in sent.markdown
    assert [file.read_text() for file in sent.files if file.name == "report.html"] == ["of the practice"]
    assert sent.scalars == packed(folder / "train").scalars
