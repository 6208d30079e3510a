"""Several processes that train together: each records for itself, one report is made, and nothing of the program changes."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from running import SEATRIAL

from seatrial.errors import UsageProblem
from seatrial.events import NotLookedAt, RankStarted, RunEnded, RunStarted
from seatrial.launch import gathering, ranks
from seatrial.launch.children import Plan, watched_command
from seatrial.launch.program import Program
from seatrial.record import Recorder
from seatrial.record.ranks import name_of, read_ranks

PROGRAM = Path(__file__).with_name("programs") / "two_ranks.py"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
SCRIPT = Program("train.py", False, ())


def rank(number=0, of=2, attempt=0, launch="launch", attempts=0):
    return ranks.Rank(number, of, number == 0, attempt, attempts, launch)


# ---- which rank ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"RANK": "0"},
        {"WORLD_SIZE": "2"},
        {"RANK": "0", "WORLD_SIZE": "1"},
        {"RANK": "2", "WORLD_SIZE": "2"},
        {"RANK": "-1", "WORLD_SIZE": "2"},
        {"RANK": "one", "WORLD_SIZE": "two"},
        {"SLURM_PROCID": "1", "SLURM_NTASKS": "4"},
    ],
    ids=str,
)
def test_a_process_is_alone_where_no_launcher_says_otherwise(given):
    assert ranks.of_environment(given) is None


def test_what_torchrun_says_is_understood():
    given = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "a", "MASTER_PORT": "5"}
    elastic = {"TORCHELASTIC_RESTART_COUNT": "2", "TORCHELASTIC_MAX_RESTARTS": "3", "TORCHELASTIC_RUN_ID": "x"}
    assert ranks.of_environment(given) == ranks.Rank(3, 4, False, 0, 0, "a:5")
    assert ranks.of_environment(given | elastic) == ranks.Rank(3, 4, False, 2, 3, "x")
    assert ranks.of_environment(given | {"TORCHELASTIC_RUN_ID": "none"}).launch == "a:5"


def test_the_only_process_of_a_watched_launcher_is_rank_0():
    assert ranks.of_environment({"RANK": "0", "WORLD_SIZE": "1"}, started_by_us=True).rank == 0
    assert ranks.of_environment({}, started_by_us=True).rank == 0


def test_a_launcher_is_no_rank_itself():
    assert ranks.starts_others(Program("torch.distributed.run", True, ()))
    assert ranks.starts_others(Program("/opt/bin/torchrun", False, ()))
    assert not ranks.starts_others(SCRIPT)


def test_children_run_under_watch_with_the_same_arguments():
    plan = Plan("out", "launcher", (), "launch", "off", None)
    ours = ("-m", "seatrial", "run", "--rank-of", "out", "--trials", "off")
    python = sys.executable
    assert watched_command((python, "-u", "a.py", "-m", "b"), plan) == (python, "-u", *ours, "a.py", "-m", "b")
    assert watched_command((python, "-u", "-m", "a.b", "c"), plan) == (python, "-u", *ours, "-m", "a.b", "c")
    assert watched_command(("numactl", "-N0", python, "-u", "a.py"), plan)[:4] == ("numactl", "-N0", python, "-u")
    for other in (("bash", "a.sh"), (python, "-c", "pass"), (python, "-u", "-m", "seatrial", "run", "a.py")):
        assert watched_command(other, plan) == other


# ---- one folder ----------------------------------------------------------------------------------------------------


def begin(folder, one):
    folder = ranks.prepare_for(folder, one)
    (folder / one.record).touch()
    return folder


def test_ranks_of_a_launch_find_one_folder_and_those_of_the_next_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = [begin(ranks.shared_folder(SCRIPT, rank(number)), rank(number)) for number in (1, 0)]
    again = [begin(ranks.shared_folder(SCRIPT, rank(number)), rank(number)) for number in (0, 1)]
    other = begin(ranks.shared_folder(SCRIPT, rank(launch="other")), rank(launch="other"))
    assert first[0] == first[1]
    assert again[0] == again[1]
    assert len({first[0], again[0], other}) == 3
    assert sorted(path for path in (tmp_path / "seatrial-runs").iterdir() if path.is_dir()) == sorted(
        {first[0], again[0], other}
    )


def test_a_restarted_launch_stays_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = begin(ranks.shared_folder(SCRIPT, rank()), rank())
    os.utime(ranks.claim_of(rank()), (0, 0))  # hours later
    assert begin(ranks.shared_folder(SCRIPT, rank(attempt=1)), rank(attempt=1)) == first
    assert {path.name for path in first.iterdir()} == {"rank-0.sqlite", "rank-0.attempt-1.sqlite"}


def test_a_claim_that_was_left_behind_long_ago_is_not_joined(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    left = begin(ranks.shared_folder(SCRIPT, rank(0)), rank(0))
    os.utime(ranks.claim_of(rank()), (0, 0))
    assert begin(ranks.shared_folder(SCRIPT, rank(1)), rank(1)) != left


def test_the_folder_of_a_larger_launch_is_taken_over(tmp_path):
    for number in range(4):
        begin(tmp_path, rank(number, of=4))
    (tmp_path / ".failed-0").touch()
    (tmp_path / "findings.json").touch()
    begin(tmp_path, rank(1, launch="new"))
    begin(tmp_path, rank(0, launch="new"))
    assert {path.name for path in tmp_path.iterdir()} == {"rank-0.sqlite", "rank-1.sqlite"}


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageProblem, match=r"thesis\.tex"):
        ranks.prepare_for(tmp_path, rank())


# ---- waiting -------------------------------------------------------------------------------------------------------


def record(folder, number, ended="completed", process=None, launch="launch", attempt=0):
    recorder = Recorder(folder / name_of(number, attempt))
    recorder.send(RunStarted("train.py", (), time.time(), "0", "3", str(folder)))
    recorder.send(RankStarted(number, 2, attempt, launch, process or os.getpid(), socket.gethostname()))
    recorder.send(NotLookedAt("nothing", "a test"))
    if ended:
        recorder.send(RunEnded(ended, int(ended != "completed"), "", None, 3, 3, 1.0, 0.0))
    recorder.close()


def waited(folder):
    start = time.monotonic()
    gathering.wait(folder, rank(0), longest=0.6)
    return time.monotonic() - start


def test_who_has_ended_or_is_gone_is_not_waited_for_and_who_goes_on_not_for_ever(tmp_path):
    record(tmp_path, 1)
    assert waited(tmp_path) < 0.3
    (tmp_path / name_of(1)).unlink()
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    record(tmp_path, 1, ended="", process=gone.pid)
    assert waited(tmp_path) < 0.3
    (tmp_path / name_of(1)).unlink()
    record(tmp_path, 1, ended="")
    assert 0.6 <= waited(tmp_path) < 3


def test_who_reports(tmp_path):
    assert [gathering.reports(tmp_path, rank(number), False) for number in (0, 1)] == [True, False]
    assert [gathering.reports(tmp_path, rank(number), True) for number in (1, 0)] == [True, False]
    second_machine = ranks.Rank(2, 4, True, 0, 0, "launch")
    assert gathering.reports(tmp_path, second_machine, False)  # no record of rank 0 is here
    record(tmp_path, 0)
    assert not gathering.reports(tmp_path, second_machine, False)


def test_only_the_last_attempt_of_the_latest_launch_is_judged(tmp_path):
    record(tmp_path, 0, launch="old")
    record(tmp_path, 1, launch="new")
    record(tmp_path, 0, launch="new", attempt=1)
    record(tmp_path, 1, launch="new", attempt=1)
    os.utime(tmp_path / name_of(0), (0, 0))
    (tmp_path / name_of(2)).write_bytes(b"")  # killed before it wrote anything
    found = [next(event for event in events if isinstance(event, RankStarted)) for events in read_ranks(tmp_path)]
    assert [(each.rank, each.attempt, each.launch) for each in found] == [(0, 1, "new"), (1, 1, "new")]


# ---- whole programs ------------------------------------------------------------------------------------------------


def call(command, folder, **more):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, **more)


def two(folder, *words, watched=()):
    """Both ranks of the program, as two commands; their exit statuses and outputs."""
    store = folder / f"store-{len(list(folder.iterdir()))}"
    commands = []
    for number in (0, 1):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "RANK": str(number), "WORLD_SIZE": "2"}
        environment |= {"MASTER_ADDR": "here", "MASTER_PORT": str(store)}
        command = [*(watched or [sys.executable]), str(PROGRAM), f"file://{store}", *words]
        pipe = subprocess.PIPE
        commands.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True))
    told = [command.communicate(timeout=240) for command in commands]
    return [command.returncode for command in commands], [out for out, _ in told], [err for _, err in told]


def findings(folder):
    return json.loads((folder / "findings.json").read_text())


@pytest.mark.slow
def test_ranks_train_to_the_same_bits_and_get_one_report(tmp_path):
    plain = two(tmp_path)
    watched = two(tmp_path, watched=[SEATRIAL, "run", "--trials", "off"])
    assert watched[:2] == plain[:2]
    assert plain[0] == [0, 0]
    (run,) = (path for path in (tmp_path / "seatrial-runs").iterdir() if path.is_dir())
    assert {"rank-0.sqlite", "rank-1.sqlite", "findings.json", "report.html"} == {path.name for path in run.iterdir()}
    assert findings(run)["status"] == "completed"
    assert [each["severity"] for each in findings(run)["findings"] if each["severity"] != "note"] == []
    assert "2 ranks" in watched[2][0]
    assert "seatrial" not in watched[2][1]


@pytest.mark.slow
def test_the_rank_that_fails_reports_and_both_fail_as_without_us(tmp_path):
    watched = two(tmp_path, "fails", watched=[SEATRIAL, "run", "--trials", "off", "--out", "out"])
    assert watched[0] == [1, 1]
    assert "bad luck (rank 1)" in watched[2][1]
    assert findings(tmp_path / "out")["status"] == "failed"
    again = call([SEATRIAL, "report", "out"], tmp_path)  # rank 0 has failed, too, by now
    assert again.returncode == 0
    assert "bad luck (rank 1)" in again.stderr


@pytest.mark.slow
def test_a_watched_launcher_reports_on_the_processes_that_it_starts(tmp_path):
    words = ["--nproc-per-node", "2", str(PROGRAM), "env://"]
    told = call([SEATRIAL, "run", "--trials", "off", "--out", "out", "-m", "torch.distributed.run", *words], tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("[")
    assert findings(tmp_path / "out")["script"] == str(PROGRAM)
    assert "2 ranks" in told.stderr
