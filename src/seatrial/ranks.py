"""The verdict on a program that ran in several processes, from the records of all: one, as if it had been one program.

Each rank is judged as a run of its own. What is found at the same lines in several ranks is one finding, which says in which; rules that
compare ranks see all of them (`Run.ranks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seatrial.config import Config
from seatrial.events import NotLookedAt, RankStarted, RunEnded
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.verdict import Verdict, ask, configured_rules, settle

# So many ranks, evenly spread, are judged one by one; rules that compare ranks see all.
MOST_JUDGED = 8


def judge_ranks(runs: Sequence[Run], config: Config | None = None) -> Verdict:
    """Judge the runs of one launch, given in order of their ranks. What is drawn and listed of a run is that of the first that
    trained.

    Raises:
        UsageProblem: the configuration names a threshold that its rule does not have.
    """
    config = config or Config()
    rules = configured_rules(config)
    whole = _whole(list(runs))
    found, broken = ask(rules, whole)
    by_rank = {whole.rank: found}
    others = [run for run in runs if run.rank != whole.rank]
    judged = others[:: max(1, -(-len(others) // (MOST_JUDGED - 1)))]
    for run in judged:
        by_rank[run.rank], others_broken = ask(rules, run)
        broken += [each for each in others_broken if each not in broken]
    if len(judged) + 1 < len(runs):
        what = f"{len(runs) - len(judged) - 1} of {len(runs)} ranks one by one"
        broken.append(NotLookedAt(what, f"{len(judged) + 1} are judged so; all are compared with each other"))
    return settle(whole, together(by_rank), broken, config)


# ---- one run for all -------------------------------------------------------------------------------------------------


def _whole(runs: list[Run]) -> Run:
    """The run of the first rank that trained, with the end that the launch had, the sources of all and what was not looked at in any."""
    first = next((run for run in runs if run.ticks), runs[0])
    end = _end(runs) or first.ended
    others = (event for event in first.events if not isinstance(event, RunEnded))
    whole = Run.of((*others, end) if end is not None else others)
    whole.ranks = runs
    for run in runs:
        whole.sources = run.sources | whole.sources
        known = set(whole.not_looked_at)
        whole.not_looked_at += [each for each in run.not_looked_at if each not in known and not each.trial]
    whole.not_looked_at += _absent(runs)
    return whole


def _end(runs: list[Run]) -> RunEnded | None:
    """The end of the rank that failed first; None where none failed."""
    failed = [(_moment(run, end), run.rank, end) for run in runs if (end := run.ended) and end.status == "failed"]
    if not failed:
        return None
    _, rank, end = min(failed, key=lambda each: each[:2])
    return replace(end, exception=f"{end.exception} (rank {rank})")


def _moment(run: Run, end: RunEnded) -> float:
    return (run.started.time if run.started else 0.0) + end.seconds


def _absent(runs: list[Run]) -> list[NotLookedAt]:
    """Ranks that left no record, or one without an end."""
    started = next(iter(runs[0].every(RankStarted)), None)
    there = {run.rank for run in runs}
    away = [str(rank) for rank in range(started.world_size if started else 0) if rank not in there]
    found = [NotLookedAt(f"rank {', '.join(away)}", "no record of it is in this folder")] if away else []
    for run in runs:
        if run.ended is None:
            why = "it was killed, or had not ended by then: `seatrial report` judges all that is there"
            found.append(NotLookedAt(f"the end of rank {run.rank}", why))
    return found


# ---- one finding for all ---------------------------------------------------------------------------------------------


def together(by_rank: dict[int, list[Finding]]) -> list[Finding]:
    """Findings of all ranks; those of one name at the same lines are one, told in the words of the lowest rank."""
    same: dict[tuple[object, ...], dict[int, Finding]] = {}
    for rank, found in by_rank.items():
        for finding in found:
            lines = frozenset((place.file, place.line) for place in finding.where[:1])
            same.setdefault((finding.name, lines), {}).setdefault(rank, finding)
    return [_said_of(ranks, len(by_rank)) for ranks in same.values()]


def _said_of(found: dict[int, Finding], judged: int) -> Finding:
    first = next(iter(found.values()))
    if "ranks" in first.evidence:  # it compares ranks
        return first
    ranks = sorted(found)
    in_all = len(ranks) == judged
    some = f"rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"
    return replace(
        first,
        message=first.message if in_all else f"In {some} of {judged}: {first.message}",
        evidence={**first.evidence, "ranks": f"all {judged}" if in_all else ", ".join(map(str, ranks))},
        confidence=max(finding.confidence for finding in found.values()),
    )
