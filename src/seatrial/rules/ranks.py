"""What processes that trained together did side by side: their parameters at the same steps, their batches, what they exchanged."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property

from seatrial.events import (
    WRAPPERS,
    BatchSeen,
    Exchanged,
    GroupJoined,
    LoaderIterated,
    ModelSeen,
    Place,
    SamplerUsed,
    Standing,
    WrapperBuilt,
)
from seatrial.history import Run
from seatrial.rules.where import distinct

POINT_TO_POINT = frozenset({"send", "recv", "recv_anysource"})
# Numbers of this relative size apart are the same: sums of all processes may be rounded otherwise in each.
ROUNDING = 1e-4
# Where they are brought together they agree to the last bits; otherwise they drift apart by much of the way that they move.
MOVED = 2e-3


class Ranks:
    """The runs of one launch that were in a process group, in order of their ranks."""

    def __init__(self, run: Run) -> None:
        self.runs = [each for each in run.ranks if each.every(GroupJoined)]

    @cached_property
    def alike(self) -> bool:
        """Whether several processes have the same part: no group of some of them only, no messages from one to one (pipelines,
        servers, meshes)."""
        joined = [event for run in self.runs for event in run.every(GroupJoined)]
        sent = [event for run in self.runs for event in run.every(Exchanged)]
        apart = any(event.parts for event in joined) or any(event.apart for event in sent)
        return len(self.runs) > 1 and not apart and not any(event.kind in POINT_TO_POINT for event in sent)

    @cached_property
    def exchanged(self) -> int:
        """Elements that the program itself exchanged, in the process where they are most."""
        return max((sum(event.elements for event in run.every(Exchanged)) for run in self.runs), default=0)

    @cached_property
    def wrapped(self) -> list[WrapperBuilt]:
        """Wrappers around models that were constructed in the first process."""
        return self.runs[0].every(WrapperBuilt) if self.runs else []

    @cached_property
    def through_wrappers(self) -> bool:
        """Whether training passes go through a wrapper that brings gradients together."""
        return bool(self.runs) and all(any(_is_wrapper(model) for model in _trained(run)) for run in self.runs)

    @cached_property
    def sharded_data(self) -> bool:
        """Whether the loader that is trained on gives each process another part of the data."""
        ranks = [used.rank for run in self.runs for used in _samplers(run) if used.replicas > 1]
        return len(set(ranks)) > 1

    # ---- parameters ------------------------------------------------------------------------------------------------

    @cached_property
    def standings(self) -> list[list[Standing]]:
        """How the parameters of the largest optimizer stood in each process, before the same steps; the end of the run last.
        Empty where they cannot be compared: other parameters in each process, or parts of them."""
        by_rank = [_of_largest(run) for run in self.runs]
        if len(by_rank) < 2 or not all(by_rank):
            return []
        steps = set(by_rank[0]).intersection(*by_rank[1:])
        rows = [[of[step] for of in by_rank] for step in sorted(steps, key=lambda step: step or math.inf)]
        same = all(len({each.elements for each in row}) == 1 and not any(e.sharded for e in row) for row in rows)
        return rows if same and len({row[0].elements for row in rows}) == 1 else []

    @cached_property
    def apart(self) -> list[float]:
        """Share (0..1) of the parameters that differ between processes, for each of the standings: by more than a small part of
        how far they have moved since the first one."""
        if not self.standings:
            return []
        start = self.standings[0]
        return [
            _share(
                _spread(each.weights[at] for each in row)
                > (MOVED * _way(start, row, at) if row is not start else ROUNDING * _largest(row, at))
                for at in range(len(row[0].weights))
            )
            for row in self.standings
        ]

    @cached_property
    def gradients_apart(self) -> list[float]:
        """Share (0..1) of the gradients that differ between processes by more than a hundredth, before each step."""
        found: list[float] = []
        for row in self.standings:
            if row[0].step:
                norms = [[each.gradient_norms[at] for each in row] for at in range(len(row[0].gradients))]
                present = [at for at, of in enumerate(norms) if all(map(math.isfinite, of)) and max(of) > 0]
                found.append(
                    _share(_spread(each.gradients[at] for each in row) > 0.01 * max(norms[at]) for at in present)
                )
        return found

    # ---- places ----------------------------------------------------------------------------------------------------

    @cached_property
    def forwards(self) -> tuple[Place, ...]:
        """Lines of the training passes of the first process."""
        calls = self.runs[0].calls_of("forward") if self.runs else []
        return distinct(call.where for call in calls if call.detail == "train grad")

    @cached_property
    def models(self) -> tuple[Place, ...]:
        """Lines at which the models that are trained are made, in the first process."""
        return distinct(model.where for model in _trained(self.runs[0])) if self.runs else ()

    # ---- batches ---------------------------------------------------------------------------------------------------

    def streams(self) -> dict[tuple[str, int, int], list[dict[int, BatchSeen]]]:
        """Batches by tick, of each process, for each way that data take: role, model and position. Only ways of all processes."""
        found: dict[tuple[str, int, int], list[dict[int, BatchSeen]]] = {}
        for number, run in enumerate(self.runs):
            for batch in run.batches:
                if batch.phase == "training" and batch.rows:
                    way = found.setdefault((batch.role, batch.model, batch.position), [{} for _ in self.runs])
                    way[number].setdefault(batch.tick, batch)
        return {key: way for key, way in found.items() if all(way)}


def _trained(run: Run) -> list[ModelSeen]:
    """Models that are called for training."""
    numbers = {call.subject for call in run.calls_of("forward") if call.detail == "train grad"}
    return [model for number, model in run.models.items() if number in numbers]


def _is_wrapper(model: ModelSeen) -> bool:
    """torch's wrappers; `fully_shard` puts FSDP before the name of a model's class."""
    return model.type in WRAPPERS or any(module.type.startswith("FSDP") for module in model.modules)


def _samplers(run: Run) -> list[SamplerUsed]:
    trained = {used.loader for used in run.every(LoaderIterated) if used.training_ticks > 0}
    return [used for used in run.every(SamplerUsed) if used.loader in trained]


def _of_largest(run: Run) -> dict[int, Standing]:
    """By step, those of the optimizer that holds most."""
    found = run.every(Standing)
    largest = max(found, key=lambda each: sum(each.elements), default=None)
    return {each.step: each for each in found if largest is not None and each.optimizer == largest.optimizer}


def _spread(values: Iterable[float]) -> float:
    found = list(values)
    return max(found) - min(found)


def _largest(row: list[Standing], at: int) -> float:
    return max(each.norms[at] for each in row)


def _way(start: list[Standing], row: list[Standing], at: int) -> float:
    return max(abs(now.weights[at] - then.weights[at]) for then, now in zip(start, row, strict=True))


def _share(differ: Iterable[bool]) -> float:
    answers = list(differ)
    return sum(answers) / len(answers) if answers else 0.0
