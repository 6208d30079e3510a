"""The batches of a run as rules on data ask for them: what entered the model and the loss, example by example, and the
lines of source that made it."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from functools import cached_property

from seatrial.events import BatchSeen, EvaluationPass, LoaderBuilt, LoaderIterated, Place
from seatrial.history import Run
from seatrial.rules.frameworks import training_data
from seatrial.rules.graph import LOSS_OPS
from seatrial.rules.lines import named
from seatrial.rules.resolve import Resolver
from seatrial.rules.resolved import Step
from seatrial.rules.source import call_at, file_of, files_of, handed, place_of
from seatrial.rules.syntax import File, tail
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

# Calls that turn something into tensors: the first line at which the data are torch's.
_CONVERSIONS = re.compile(
    r"tensor\(|from_numpy\(|Tensor\(|ToTensor|\.float\(\)|transform|preprocess|normali[sz]e|standardi[sz]e|scale|/ ?255"
)


# Examples of so many features, in one of which such a share of a batch differs, are never alike by chance.
FEWEST_REAL = 3
MOST_DIFFERENT = 0.6


def of_real_numbers(batch: BatchSeen) -> bool:
    """Whether examples hold real numbers, so that two are alike only if one is a copy of the other. Ones and zeros alone (a
    word as a one-hot code, answers to yes-or-no questions) are alike by nature, however much those of a small batch differ."""
    binary = batch.stats.get("integers", 0.0) == 1.0 and batch.stats.get("distinct", math.inf) <= 2
    return (
        math.prod(batch.shape[1:]) >= FEWEST_REAL and batch.stats.get("different", 0.0) >= MOST_DIFFERENT and not binary
    )


class Batches:
    """Sketches of batches in order of ticks, one a tick, role and position."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def of(self, phase: str, role: str, position: int = 0, model: int | None = None) -> list[BatchSeen]:
        """The batches of a phase and role; in training one a tick (of the model that was fed first, unless given)."""
        found: dict[tuple[int, int], BatchSeen] = {}
        for number, batch in enumerate(self.run.batches):
            if (batch.phase, batch.role, batch.position) == (phase, role, position) and model in (None, batch.model):
                found.setdefault((batch.tick, 0 if phase == "training" else number), batch)
        return list(found.values())

    @cached_property
    def inputs(self) -> list[BatchSeen]:
        """First arguments of the models at training steps."""
        return self.of("training", "input")

    @cached_property
    def targets(self) -> list[BatchSeen]:
        """What the loss compares with, at training steps."""
        return self.of("training", "target")

    @cached_property
    def epoch(self) -> int:
        """Steps until examples come again: the first step all of whose examples were seen before (or all there is)."""
        seen: set[int] = set()
        for count, batch in enumerate(self.inputs):
            rows = set(batch.rows)
            if rows and len(rows & seen) > 0.5 * len(rows):
                return count
            seen |= rows
        return len(self.inputs)

    @cached_property
    def again(self) -> int:
        """The tick at which the data begin anew. Where the examples do not show it (what enters is no table of examples: a
        packed sequence), it is the number of batches of the loader."""
        targets = {batch.tick: batch.shape[:1] for batch in self.targets}
        told = all(batch.shape[:1] == targets.get(batch.tick, batch.shape[:1]) for batch in self.inputs)
        if not told and self.loader is not None and self.loader[0].batches > 0:
            return self.loader[0].batches
        after = self.inputs[self.epoch :] or self.inputs[-1:]
        return after[0].tick + (len(self.inputs) == self.epoch) if after else 0

    @cached_property
    def rows(self) -> Counter[int]:
        """How often each example was trained on, as far as it was looked at."""
        return Counter(row for batch in self.inputs for row in batch.rows)

    @cached_property
    def loader(self) -> tuple[LoaderBuilt, LoaderIterated] | None:
        """The DataLoader whose batches most training steps came from."""
        used = [each for each in self.run.every(LoaderIterated) if each.training_ticks > 0]
        best = max(used, key=lambda each: each.training_ticks, default=None)
        if best is None or best.loader not in self.run.loaders:
            return None
        return self.run.loaders[best.loader], best

    @cached_property
    def classes(self) -> Counter[str]:
        """Counts of the classes of integer targets over the first pass through the data."""
        counts: Counter[str] = Counter()
        for batch in self.targets[: max(1, self.epoch)]:
            counts.update(batch.histogram)
        return counts

    def text(self) -> str:
        """All source text of the run."""
        return "\n".join(self.run.sources.values())

    def mentioning(self, pattern: re.Pattern[str], most: int = 3) -> list[Place]:
        """The first lines of source in which a pattern is found, comments and imports left out."""
        found = [
            named(self.run, Place(file, number))
            for file, text in self.run.sources.items()
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line.partition("#")[0]) and not line.lstrip().startswith(("import ", "from "))
        ]
        return found[:most]

    # ---- where data are made -------------------------------------------------------------------------------------

    def made(self, batch: BatchSeen) -> tuple[Place, ...]:
        """Lines that made what entered as a batch: conversions to tensors first, then nearest to the use first."""
        lines = list(self.lineage(batch))
        used = {(each.file, each.line) for each in (batch.where, self._use(batch)) if each is not None}
        earlier = [place for place in lines if (place.file, place.line) not in used]
        first = [place for place in earlier if _CONVERSIONS.search(self.run.line(place))]
        return distinct([*first, *earlier, *lines, batch.where, self._use(batch)])[:8]

    def lineage(self, batch: BatchSeen) -> tuple[Place, ...]:
        """Lines by which a batch came to be, nearest to its use first."""
        return distinct(place_of(owner, owner.statement(node)) for owner, node in self.ways(batch))

    def ways(self, batch: BatchSeen) -> list[Step]:
        """Expressions and statements by which a batch came to be, nearest to its use first."""
        place = self._use(batch)
        file = file_of(self.run, place.file) if place is not None else None
        if place is None or file is None:
            return []
        resolver = Resolver(files_of(self.run), data=True)
        for call in call_at(self.run, place)[:3]:
            if data := _data_of_task(call):
                parts = data
            elif batch.role == "input" and batch.position < len(call.args):
                parts = [call.args[batch.position]]
            else:
                parts = [*call.args[1:2], *(each.value for each in call.keywords)]
            _follow(resolver, file, parts)
            if resolver.visited:
                break
        for owner, part in self._handed(batch, place, resolver.visited):
            _follow(resolver, owner, [part])
        return resolver.visited

    def _handed(self, batch: BatchSeen, use: Place, visited: list[Step]) -> list[tuple[File, ast.expr]]:
        """Where a framework draws the batches: the loader that it was given, or the training data that its constructor was."""
        known = {(owner.name, getattr(node, "lineno", 0)) for owner, node in visited}
        places = [built.where for built in self.run.loaders.values() if built.data == batch.data and built.where]
        found: list[tuple[File, ast.expr]] = []
        for place in places:
            file = file_of(self.run, place.file)
            if file is not None and place != use and (place.file, place.line) not in known:
                found += [(file, call) for call in call_at(self.run, place) if tail(call.func) == "DataLoader"]
        if not visited and batch.phase == "training":
            given = [(owner, training_data(call)) for owner, call in handed(self.run, use)]
            found += [(owner, part) for owner, part in given if part is not None]
        return found

    def _use(self, batch: BatchSeen) -> Place | None:
        """The line that calls the model with a training batch, or the loss with a target."""
        if batch.role == "target":
            nodes = [node for graph in Training(self.run).graphs[:1] for node in graph.calls(*LOSS_OPS)]
            return next((node.chain[0] for node in nodes if node.chain), nodes[0].where if nodes else batch.where)
        model = self.run.models.get(batch.model)
        if model is None or batch.phase != "training":
            return batch.where
        calls = (call for call in self.run.calls_of("forward") if call.subject == batch.model)
        return next((call.where for call in calls if call.detail.startswith("train") and call.where), model.called)


def _follow(resolver: Resolver, file: File, parts: list[ast.expr]) -> None:
    """Let a resolver look at where some expressions come from; it keeps what it has seen."""
    for part in parts:
        for _ in zip(resolver.values(file, part), range(24), strict=False):
            pass


def _data_of_task(call: ast.Call) -> list[ast.expr]:
    """The training data given to a `Task(model, loss, train)`, whose batches are drawn by seatrial itself."""
    if tail(call.func) != "Task":
        return []
    return [each.value for each in call.keywords if each.arg == "train"] or call.args[2:3]


class Passes:
    """Evaluation passes grouped by what they looked at."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def groups(self) -> list[list[EvaluationPass]]:
        """Passes over the same data: by the line that made them, the author's name for the data, and the data set."""
        table: dict[tuple[object, ...], list[EvaluationPass]] = {}
        for each in self.run.passes:
            where = (each.where.file, each.where.line) if each.where is not None else None
            size = 0 if each.data >= 0 else each.examples
            table.setdefault((each.model, where, each.label, each.data, size), []).append(each)
        return list(table.values())

    def batches(self, passes: list[EvaluationPass]) -> list[BatchSeen]:
        """Sketches of the inputs of the first of some passes, found by their examples."""
        rows = set(next((each.rows for each in passes if each.rows), ()))
        return [
            batch
            for batch in self.run.batches
            if batch.phase == "evaluation" and batch.role == "input" and batch.rows and set(batch.rows) <= rows
        ]
