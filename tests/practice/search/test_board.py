"""The board: what was written first holds, nothing is lost with a worker, nothing is done twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import FloatDistribution, distribution_to_json

from seatrial.errors import UsageProblem
from seatrial.practice.search import owner
from seatrial.practice.search.board import DIED, DIVERGED, FAILED, INTERRUPTED, Board, Claim
from seatrial.practice.search.candidates import Candidate
from seatrial.practice.search.settings import Budget
from seatrial.practice.search.storage import JOURNAL, open_storage, without_password
from seatrial.practice.search.work import COARSE, END, Job, Stage

UNIT = distribution_to_json(FloatDistribution(0, 1))
SHORT = Budget(1, 1.0)


def stage(jobs: int, number: int = 0, said: str = "") -> Stage:
    drawn = tuple(Candidate(at, {"x": at / jobs}, {"x": UNIT}) for at in range(jobs))
    return Stage(number, COARSE, tuple(Job(at, 0, SHORT) for at in range(jobs)), drawn, (said,))


def board(folder: Path, jobs: int = 1, silence: float = 60.0) -> Board:
    made = Board(open_storage(str(folder / JOURNAL)), "test", silence)
    made.write(stage(jobs))
    assert made.stages()
    return made


def claimed(on: Board) -> Claim:
    found = on.claim(on.stages()[0])
    assert found is not None
    return found


def test_the_stage_that_was_written_first_holds(tmp_path: Path):
    first, second = board(tmp_path, 2), Board(open_storage(str(tmp_path / JOURNAL)), "test")
    second.write(stage(5, said="too late"))
    assert second.stages() == first.stages() == (stage(2),)
    second.write(Stage(1, END, ()))
    assert [each.name for each in first.stages()] == [COARSE, END]


def test_workers_at_once_make_each_training_once(tmp_path: Path):
    board(tmp_path, 12)
    made: list[int] = []

    def work() -> None:
        own = Board(open_storage(str(tmp_path / JOURNAL)), "test")
        (now,) = own.stages()
        while not own.is_over(now):
            claim = own.claim(now)
            if claim is not None:
                made.append(claim.at)
                own.complete(claim, claim.trial.suggest_float("x", 0, 1), {})

    workers = [threading.Thread(target=work) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert sorted(made) == list(range(12))
    results = board(tmp_path).record().results
    assert [each.figure for each in results] == [at / 12 for at in range(12)]  # the values that were planned


def test_what_another_worker_ended_between_two_looks_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    slow, fast = board(tmp_path), Board(open_storage(str(tmp_path / JOURNAL)), "test")
    take = slow._take

    def late(now: Stage, at: int) -> int:
        assert fast.stages()
        fast.complete(claimed(fast), 1.0, {})
        return take(now, at)

    monkeypatch.setattr(slow, "_take", late)
    assert slow.claim(slow.stages()[0]) is None
    (result,) = slow.record().results
    assert (result.figure, result.attempts) == (1.0, 1) and not slow.running(slow.stages()[0])


def dead_owner() -> str:
    """A process that is no more."""
    said = "from seatrial.practice.search.owner import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout.strip()


def test_the_training_of_a_killed_worker_is_made_by_another_and_given_up_after_three(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    on, gone = board(tmp_path), dead_owner()
    (now,) = on.stages()
    for attempt in range(3):
        with monkeypatch.context() as patched:
            patched.setattr("seatrial.practice.search.board.this_process", lambda: gone)
            claim = claimed(on)
        assert len(claim.died) == attempt and claim.resume == bool(attempt)
        assert on.claim(now) is None  # somebody is at it, as far as is known
        on.bury(now)
    (result,) = on.record().results
    assert (result.why, result.attempts) == (DIED, 3) and "killed" in result.said
    assert on.is_over(now)


def test_who_lives_is_left_alone_and_comes_too_late_only_where_it_was_silent(tmp_path: Path):
    on = board(tmp_path)
    (now,) = on.stages()
    claim = claimed(on)
    on.bury(now)
    assert on.running(now)
    on._end(claim.id, DIED, "taken for dead")
    other = claimed(on)
    on.complete(claim, 1.0, {})  # it lived, but its training is another one's now
    on.fail(claim, FAILED, "late")
    on.complete(other, 2.0, {})
    (result,) = on.record().results
    assert (result.figure, result.attempts) == (2.0, 2)


def test_beats_tell_of_processes_elsewhere(monkeypatch: pytest.MonkeyPatch):
    clock = [0.0]
    monkeypatch.setattr(owner.time, "monotonic", lambda: clock[0])
    looker = owner.Looker(silence=60)
    elsewhere = "another machine|1|5"
    for moment, beat, dead in ((0, 0, False), (50, 0, False), (55, 1, False), (110, 1, False), (116, 1, True)):
        clock[0] = moment
        assert looker.is_dead(7, elsewhere, beat) is dead
    assert not looker.is_dead(8, owner.this_process(), 0)
    assert looker.is_dead(9, dead_owner(), 0) and looker.is_known_dead(dead_owner())
    assert not looker.is_known_dead(elsewhere)


def test_a_failure_is_tried_again_once_and_told_and_a_divergence_is_told_at_once(tmp_path: Path):
    on = board(tmp_path, 2)
    while not on.is_over(on.stages()[0]):
        claim = claimed(on)
        if claim.at:
            on.fail(claim, DIVERGED, "no numbers", {"seconds": 1.5})
        else:
            on.fail(claim, FAILED, "no luck")
    told = {each.job.candidate: (each.why, each.said, each.attempts, each.seconds) for each in on.record().results}
    assert told == {0: (FAILED, "no luck", 2, 0.0), 1: (DIVERGED, "no numbers", 1, 1.5)}


def test_an_interruption_costs_no_attempt_and_is_gone_on_with(tmp_path: Path):
    on = board(tmp_path)
    for _ in range(5):
        on.fail(claimed(on), INTERRUPTED, "KeyboardInterrupt")
    claim = claimed(on)
    assert claim.resume and not claim.died
    on.complete(claim, 1.0, {})
    assert on.record().results[0].attempts == 1


def test_another_search_does_not_go_on_here(tmp_path: Path):
    on = board(tmp_path)
    on.begin({"trials": 3, "parameters": ["x"]})
    on.begin({"trials": 3, "parameters": ["x"]})
    with pytest.raises(UsageProblem, match=r"trials 3 before, 4 now.*search-other"):
        on.begin({"trials": 4, "parameters": ["x"]})


@pytest.mark.parametrize("torn", [b'{"op_code": 4, "wor', b"{" + b"x" * 20_000])
def test_a_line_that_a_killed_process_has_half_written_is_cut_off(tmp_path: Path, torn: bytes):
    on = board(tmp_path)
    whole = (tmp_path / JOURNAL).read_bytes()
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(torn)
    on.complete(claimed(on), 1.0, {})
    assert (tmp_path / JOURNAL).read_bytes().startswith(whole) and torn not in (tmp_path / JOURNAL).read_bytes()
    assert Board(open_storage(str(tmp_path / JOURNAL)), "test").record().results[0].figure == 1.0


def test_storages_that_are_none_are_refused_and_passwords_are_not_shown():
    with pytest.raises(UsageProblem, match="search-storage"):
        open_storage("sqlite:///file.db")
    with pytest.raises(UsageProblem, match="search-storage") as refused:
        open_storage("postgresql://me:secret@127.0.0.1:1/nothing")
    assert "secret" not in str(refused.value)
    assert without_password("postgresql://me:secret@host/base") == "postgresql://me@host/base"


def test_the_beats_of_a_worker_are_written(tmp_path: Path):
    on = board(tmp_path)
    claim = claimed(on)
    beaten = threading.Event()

    def write(count: int) -> None:
        on.beat(claim, count)
        beaten.set()

    with owner.Beats(write, every=0.01):
        assert beaten.wait(10)
    attrs: dict[str, Any] = on.running(on.stages()[0])[0].user_attrs
    assert attrs["beat"] >= 1
