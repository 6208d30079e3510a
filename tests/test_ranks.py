"""One verdict for several processes: what is found in all of them is found once, and how the launch ended is how it failed first."""

from seatrial.events import GroupJoined, LoaderIterated, Place, RankStarted, RunEnded, RunStarted
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.ranks import judge_ranks, together

LINE, OTHER = Place("/a/train.py", 3), Place("/a/train.py", 9)


def finding(name="loop.unseeded-run", where=LINE, message="It is so.", **more):
    return Finding(name, "warning", message, (where,), confidence=more.pop("confidence", 0.9), **more)


def run(rank, of=2, end="completed", ticks=5, seconds=1.0, exception="", more=()):
    started = RunStarted("train.py", (), 100.0, "0", "3", "/a")
    ended = [RunEnded(end, int(end == "failed"), exception, LINE, ticks, ticks, seconds, 0.1)] if end else []
    return Run.of([started, RankStarted(rank, of, 0, "launch", 1, "here"), *more, *ended])


def test_the_same_lines_in_all_ranks_are_one_finding_and_those_of_some_say_so():
    found = together({0: [finding(), finding(where=OTHER)], 1: [finding(message="It is so, too.", confidence=0.95)]})
    assert [(each.message, each.evidence["ranks"], each.confidence) for each in found] == [
        ("It is so.", "all 2", 0.95),
        ("In rank 0 of 2: It is so.", "0", 0.9),
    ]


def test_a_finding_that_compares_ranks_keeps_its_own_words():
    found = together({0: [finding(evidence={"ranks": "0, 1"})], 1: []})
    assert found == [finding(evidence={"ranks": "0, 1"})]


def test_a_launch_ended_as_the_rank_that_failed_first():
    runs = [
        run(0, 3, "failed", seconds=2.0, exception="Lost: peer"),
        run(1, 3, "failed", exception="Bad: luck"),
        run(2, 3),
    ]
    verdict = judge_ranks(runs)
    assert (verdict.status, verdict.run.ended.exception) == ("failed", "Bad: luck (rank 1)")
    assert verdict.run.rank == 0
    assert verdict.run.ended.ticks == 5


def test_what_is_there_of_a_launch_is_that_of_the_first_rank_that_trained():
    verdict = judge_ranks([run(0, ticks=0), run(1, ticks=7)])
    assert (verdict.run.rank, verdict.status) == (1, "completed")


def test_ranks_that_left_no_record_or_no_end_are_named():
    unseen = [each.what for each in judge_ranks([run(0, 4), run(2, 4, end="")]).not_looked_at]
    assert unseen == ["rank 1, 3", "the end of rank 2"]


def test_of_many_ranks_a_few_are_judged_one_by_one():
    verdict = judge_ranks([run(rank, 20) for rank in range(20)])
    assert [each.what for each in verdict.not_looked_at] == ["12 of 20 ranks one by one"]


def test_a_lost_connection_after_another_rank_had_ended_is_uneven_steps():
    joined = [GroupJoined(1, 0, 2, "gloo"), LoaderIterated(0, 1, 9, 9, OTHER)]
    short, long = (
        run(0, ticks=8, more=joined),
        run(1, end="failed", ticks=9, exception="x: Connection closed", more=joined),
    )
    (found,) = judge_ranks([short, long]).findings
    assert (found.name, found.where[0]) == ("distributed.uneven-steps", OTHER)
    other = run(1, end="failed", ticks=9, exception="KeyError: 'x'", more=joined)
    assert judge_ranks([short, other]).findings == ()
    fewer = run(1, end="failed", ticks=8, exception="x: Connection closed", more=joined)
    assert judge_ranks([short, fewer]).findings == ()
