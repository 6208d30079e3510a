"""Several workers: processes of this machine, a PostgreSQL server, a Ray cluster. One that is killed takes nothing with it."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from tasks import Net, clusters

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.search import processes
from seatrial.practice.search.board import DIED, Board
from seatrial.practice.search.candidates import Candidate
from seatrial.practice.search.searching import search
from seatrial.practice.search.settings import Budget, SearchSettings
from seatrial.practice.search.storage import JOURNAL, open_storage, opened
from seatrial.practice.search.work import COARSE, Job, Record, Stage

ROOT = Path(__file__).parents[3]
SMALL = SearchSettings(2, 1, leaders=1, seeds=2, accelerator="cpu")


def benchmark() -> ModuleType:
    """The one that kills workers."""
    spec = importlib.util.spec_from_file_location("search_kill", ROOT / "benchmarks" / "search_kill.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # its dataclasses look their module up
    spec.loader.exec_module(made)
    return made


KILL = benchmark()


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "task.py"
    path.write_text(KILL.TASK)
    return path


@pytest.fixture(scope="module")
def server() -> Generator[str]:
    if KILL.postgresql_folder() is None:
        pytest.skip("PostgreSQL's initdb is nowhere to be found")
    pytest.importorskip("psycopg")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to the server's user
        Path(folder).chmod(0o755)
        with KILL.postgresql(Path(folder) / "server") as address:
            yield address


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The search that nobody disturbs."""
    path = tmp_path_factory.mktemp("calm") / "task.py"
    path.write_text(KILL.TASK)
    return search(str(path), settings=SMALL, progress=False).record


@pytest.mark.slow
def test_killed_workers_take_nothing_with_them(calm: Record, task: Path, tmp_path: Path):
    out = tmp_path / "out"
    arguments = [
        "--out",
        str(out),
        "--workers",
        "2",
        "--trials",
        "2",
        "--epochs",
        "1",
        "--leaders",
        "1",
        "--seeds",
        "2",
    ]
    found = KILL.disturbed(
        [*arguments, "--accelerator", "cpu", str(task)], str(out / JOURNAL), 2, 8, random.Random(1), 240.0
    )
    assert found.kills == 2 and found.finished and found.lost == 0
    assert found.attempts > found.planned  # what was killed was made again
    assert KILL.figures(found.record) == KILL.figures(calm)
    assert (out / "search.html").exists()


@pytest.mark.slow
def test_a_ray_cluster_of_two_workers_comes_to_the_same_end(calm: Record, task: Path, tmp_path: Path):
    pytest.importorskip("ray")
    before = signal.getsignal(signal.SIGTERM)
    found = search(str(task), settings=SMALL, out=tmp_path / "out", ray="local", workers=2, progress=False)
    assert signal.getsignal(signal.SIGTERM) is before
    assert KILL.figures(found.record) == KILL.figures(calm) and found.winner is not None


def test_a_server_keeps_a_search_of_several_machines(server: str):
    drawn = tuple(Candidate(at, {}, {}) for at in range(10))
    stage = Stage(0, COARSE, tuple(Job(at, 0, Budget(1, 1.0)) for at in range(10)), drawn)
    made: list[int] = []

    def work() -> None:
        with opened(server) as storage:
            board = Board(storage, "threads")
            board.write(stage)
            (now,) = board.stages()
            while not board.is_over(now):
                claim = board.claim(now)
                if claim is not None:
                    made.append(claim.at)
                    board.beat(claim, 1)
                    board.complete(claim, float(claim.at), {})

    with opened(server):
        pass  # the tables are there now
    workers = [threading.Thread(target=work) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert sorted(made) == list(range(10))
    with opened(server) as storage:
        board = Board(storage, "threads")
        assert [each.figure for each in board.record().results] == list(range(10))


def test_the_dead_are_buried_on_a_server(server: str, monkeypatch: pytest.MonkeyPatch):
    with opened(server) as storage:
        board = Board(storage, "graves", silence=0.0)
        board.write(Stage(0, COARSE, (Job(0, 0, Budget(1, 1.0)),), (Candidate(0, {}, {}),)))
        (now,) = board.stages()
        with monkeypatch.context() as patched:
            patched.setattr("seatrial.practice.search.board.this_process", lambda: "another machine|1|5")
            assert board.claim(now) is not None
        while board.running(now):  # silent for longer than it may be
            board.bury(now)
        claim = board.claim(now)
        assert claim is not None and claim.died == ("another machine|1|5",)
        trials = board._trials(now)
        assert [each.user_attrs.get("why") for each in trials] == [DIED, None]


def test_the_plan_of_a_whole_search_fits_into_a_server(server: str, monkeypatch: pytest.MonkeyPatch):
    from seatrial.practice.search import worker
    from seatrial.practice.search.training import Trained

    def train(space: Any, trial: Any, job: Job, settings: Any, folder: Path, *, resume: bool) -> Trained:
        space(trial)
        return Trained(trial.params["rate"] + 1e-3 * job.seed % 1, "", "", {})

    monkeypatch.setattr(worker, "train", train)
    task = Task(Net, torch.nn.CrossEntropyLoss(), clusters(64), validation=clusters(32, 1))
    found = search(task, trials=6, epochs=3, storage=server, name="whole", progress=False)
    again = search(task, trials=6, epochs=3, progress=False)
    assert found.params == again.params and found.record == again.record


def test_a_worker_that_cannot_work_is_told(task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Dead:
        exitcode = -9

        def is_alive(self) -> bool:
            return False

        def join(self, seconds: float = 0) -> None:
            pass

    monkeypatch.setattr(processes, "_LOOK", 0.0)
    monkeypatch.setattr(processes, "_started", lambda place, at, count: Dead())
    with pytest.raises(UsageProblem, match=r"killed one after the other \(signal 9\).*search-worker"):
        search(str(task), settings=SMALL, out=tmp_path / "out", workers=2, progress=False)


def test_a_task_that_other_processes_cannot_be_given_is_refused(tmp_path: Path):
    task = Task(Net, torch.nn.CrossEntropyLoss(), clusters(64), optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.1))  # fmt: skip
    with pytest.raises(UsageProblem, match="search-not-importable"):
        search(task, settings=SMALL, out=tmp_path, workers=1, progress=False)


def test_the_environment_of_this_process_stays(monkeypatch: pytest.MonkeyPatch):
    before = dict(os.environ)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    with processes._environment(1, 2):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"
    monkeypatch.undo()
    assert dict(os.environ) == before


def test_a_journal_is_of_one_search(tmp_path: Path):
    first = Board(open_storage(str(tmp_path / JOURNAL)), "a")
    first.begin({"trials": 1})
    Board(open_storage(str(tmp_path / JOURNAL)), "b").begin({"trials": 2})
    with pytest.raises(UsageProblem, match="search-other"):
        first.begin({"trials": 2})
