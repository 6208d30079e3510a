"""Looks at test data: evaluation passes over data that the author calls a test set, and over the same examples each time."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from seatrial.events import EvaluationPass, Place
from seatrial.history import Run
from seatrial.rules.lines import loops_around
from seatrial.rules.scores import Hit, Scores, Spot
from seatrial.rules.source import file_of
from seatrial.rules.syntax import LOOPS, spans

# Share of the examples of one pass that must come again in another one: less is fresh data each time.
SAME = 0.5


@dataclass
class Looks:
    """What passes look at, by the names of the author."""

    run: Run
    scores: Scores

    def __post_init__(self) -> None:
        self._parts: dict[tuple[object, ...], str] = {}
        self._calls: dict[Place, list[Hit]] = {}

    def part(self, hit: Hit, each: EvaluationPass) -> str:
        """ "test", "val", "train" or "" for the data of one pass, as they are named."""
        key = (id(hit.spot.node), tuple(id(frame.call) for frame in hit.spot.stack), each.callers)
        if key not in self._parts:
            self._parts[key] = self.scores.part(hit, each)
        return self._parts[key]

    def tested(self, hit: Hit, condition: str = "") -> tuple[list[EvaluationPass], bool]:
        """The passes behind a score that are over test data; and whether names contradict each other: then it is not known.

        A score that is called a test score counts as one unless its data have another name. The name of a function
        alone counts for nothing: `test(model, loader)` may test on any data. Where a condition names the part of the data,
        that counts."""
        if condition:
            return [each for each in hit.passes if condition == "test" and each.training < 1], False
        found: list[EvaluationPass] = []
        contradicted = False
        for each in hit.passes:
            data, said = self.part(hit, each), hit.spot.label
            if data == "test" or (not data and said == "test" and each.label in ("test", "")):
                found.append(each)
                contradicted |= said in ("val", "train")
        return found, contradicted

    def validated(self, hit: Hit) -> bool:
        """Whether a score is one on validation data, by the name of the data or, where they have none, its own."""
        parts = {self.part(hit, each) for each in hit.passes}
        return "val" in parts or (hit.spot.label == "val" and "test" not in parts)

    @cached_property
    def named_tests(self) -> list[EvaluationPass]:
        """All passes over data that are called test data."""
        return [each for each in self.run.passes if self._is_test(each)]

    def apart(self, passes: Sequence[EvaluationPass]) -> bool:
        """Whether there are test data besides those of some passes, looked at only when these were over."""
        rows = {row for each in passes for row in each.rows}
        last = max(each.tick for each in passes)
        others = [each for each in self.named_tests if each.rows and not _alike(rows, set(each.rows))]
        return bool(rows and others) and all(each.tick >= last for each in others)

    def again(self, passes: Sequence[EvaluationPass]) -> bool:
        """Whether a model of some passes looks at their examples again after the last of them."""
        rows, models = {row for each in passes for row in each.rows}, {each.model for each in passes}
        last = max(at for at, each in enumerate(self.run.passes) if any(each is one for one in passes))
        later = [each for each in self.run.passes[last + 1 :] if each.model in models and each.rows]
        return bool(rows) and any(_alike(rows, set(each.rows)) for each in later)

    def _is_test(self, each: EvaluationPass) -> bool:
        if each.where is None or each.label in ("train", "val"):
            return False
        if each.where not in self._calls:
            self._calls[each.where] = self._calls_at(each.where)
        return any(self.part(hit, each) == "test" for hit in self._calls[each.where])

    def _calls_at(self, place: Place) -> list[Hit]:
        """The innermost calls on a line."""
        file = file_of(self.run, place.file)
        calls = [call for call in file.calls if spans(call, place.line)] if file is not None else []
        innermost = [call for call in calls if not (set(ast.walk(call)) - {call}) & set(calls)]
        return [Hit(Spot(file, call), ()) for call in innermost] if file is not None else []

    def line(self, each: EvaluationPass) -> Place | None:
        """The line on the stack of a pass (or the head of a loop there) that names test data, the innermost first; where the
        model was called, if none does."""
        stack = [place for place in (each.where, *each.callers) if place is not None]
        lines = [line for place in stack for line in (place, *self._heads(place))]
        return next((place for place in lines if "test" in self.scores.names.parts(self.run.line(place))), each.where)

    def _heads(self, place: Place) -> list[Place]:
        loops = [loop for loop in loops_around(self.run, place) if isinstance(loop, LOOPS)]
        return [replace(place, line=loop.lineno) for loop in reversed(loops)]


def same_examples(passes: Sequence[EvaluationPass]) -> bool:
    """Whether passes look at the same examples, as far as these were looked at: not at episodes or samples drawn anew. Models
    that look several times may each have examples of their own (those of their fold)."""
    by_model: dict[int, list[set[int]]] = {}
    for each in passes:
        if each.rows:
            by_model.setdefault(each.model, []).append(set(each.rows))
    groups = [rows for rows in by_model.values() if len(rows) > 1] or [[rows[0] for rows in by_model.values()]]
    return all(_alike(rows[0], other) for rows in groups for other in rows[1:])


def _alike(one: set[int], other: set[int]) -> bool:
    return len(one & other) >= SAME * min(len(one), len(other))


def moments(passes: Iterable[EvaluationPass]) -> int:
    """At how many different states of training, or of how many models, passes were made."""
    return len({(each.model, each.tick) for each in passes})


def listed(looks: Looks, passes: Iterable[EvaluationPass]) -> list[tuple[Place, int]]:
    """The lines of looks, each with the number of looks, in order of appearance."""
    counts = Counter(place for each in passes if (place := looks.line(each)) is not None)
    return list(counts.items())
