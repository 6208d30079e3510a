"""The work of a search as plain data: stages, their trainings, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seatrial.practice.search.candidates import Candidate
from seatrial.practice.search.settings import Budget

COARSE, AGAIN, FINE, LONGER, SEEDS, END = "coarse", "again", "fine", "longer", "seeds", "end"


@dataclass(frozen=True, slots=True)
class Job:
    """One training: of which candidate, on which seed, how long."""

    candidate: int
    seed: int
    budget: Budget


@dataclass(frozen=True)
class Stage:
    """Trainings that wait for nothing but for the stages before.

    number      from 0.
    candidates  that are new in this stage.
    said        what was decided, in sentences.
    figures     what the decision rests on.
    """

    number: int
    name: str
    jobs: tuple[Job, ...]
    candidates: tuple[Candidate, ...] = ()
    said: tuple[str, ...] = ()
    figures: dict[str, float] | None = None

    def as_data(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def of(data: dict[str, Any]) -> Stage:
        """From plain values."""
        jobs = tuple(Job(each["candidate"], each["seed"], Budget(**each["budget"])) for each in data["jobs"])
        candidates = tuple(Candidate(**each) for each in data["candidates"])
        return Stage(data["number"], data["name"], jobs, candidates, tuple(data["said"]), data["figures"])


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a training.

    figure    the best epoch's; nan where there is none, and `why` says so: diverged, out of memory, failed, died.
    said      the message of a failure.
    attempts  that were made, those that died included.
    epoch     the best one.
    metrics   of the validation data after it, and its loss.
    folder    of its report and weights.
    """

    job: Job
    stage: str
    figure: float
    why: str = ""
    said: str = ""
    attempts: int = 1
    seconds: float = 0.0
    epoch: int = 0
    metrics: dict[str, float] | None = None
    folder: str = ""


@dataclass(frozen=True)
class Record:
    """Stages until now, and the results of those that are over."""

    stages: tuple[Stage, ...]
    results: tuple[Result, ...]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All that were drawn, by number."""
        return tuple(each for stage in self.stages for each in stage.candidates)

    def figures(self, budget: Budget, seeds: Iterable[int] | None = None) -> dict[int, float]:
        """The mean figure of each candidate that was trained so long; nan where one of its trainings has none.

        Args:
            seeds: that count; all if nothing is given.
        """
        wanted = None if seeds is None else set(seeds)
        found: dict[int, list[float]] = {}
        for each in self.results:
            if each.job.budget == budget and (wanted is None or each.job.seed in wanted):
                found.setdefault(each.job.candidate, []).append(each.figure)
        return {number: sum(values) / len(values) for number, values in found.items()}

    def by_seed(self, candidate: int, budget: Budget, seeds: Sequence[int]) -> dict[int, float]:
        """The figures of a candidate on these seeds, those that it has."""
        return {
            each.job.seed: each.figure
            for each in self.results
            if each.job.candidate == candidate and each.job.budget == budget and each.job.seed in seeds
        }


def ranked(figures: dict[int, float], *, highest: bool) -> list[int]:
    """Numbers of candidates, the best first; those without a figure are left out."""
    known = [number for number, figure in figures.items() if math.isfinite(figure)]
    return sorted(known, key=lambda number: (-figures[number] if highest else figures[number], number))
