"""The loop trains on the same batch, or the same small part of the data, over and over.

## What it finds
Steps that see the same examples again and again though there are more: `next(iter(loader))` inside of the loop, a
slice that does not move, an epoch that is left after its first batches, a draw whose generator is seeded anew each time.

## Why it harms
The network learns a handful of examples by heart and never sees the others. The training loss looks splendid.

## How it is recognised
Examples are told apart by a hash. The examples that were trained on are compared with what the loader (or the loop
around it) has to offer. Training on all of a small data set at once is no fault, and neither is a check that overfits
one batch before the training proper.

## What it cannot see
Data that are generated or augmented differently each time.

## Faulty
```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(512, 10)
y = (x.sum(1) > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=32)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(60):
    xb, yb = next(iter(loader))
    loss = nn.functional.cross_entropy(model(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
```

## Fixed
```python
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(512, 10)
y = (x.sum(1) > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(4):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`used`: share of the examples that training had seen when it should have seen all. `least_steps`: steps that must have
been looked at.

## References
A. Karpathy, "A Recipe for Training Neural Networks": overfit one batch, then go on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import BatchSeen, LoaderBuilt, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import lines
from seatrial.rules.batches import Batches
from seatrial.rules.source import Loop, loops_around
from seatrial.rules.where import distinct

NAME = "data.repeated-batch"
EXPLAINS = (
    "optimisation.overfitting",
    "optimisation.loss-not-decreasing",
    "data.class-imbalance",
    "data.missing-class",
)


_DRAWS = frozenset(
    "randint randperm permutation choice choices sample multinomial integers shuffle rand random".split()
)
_SEEDS = frozenset("manual_seed seed default_rng Random RandomState".split())


@dataclass(frozen=True)
class Thresholds:
    """used: share of the examples (0..1). least_steps: steps (of slices). passes: how often the data could have been seen."""

    used: float = 0.6
    least_steps: int = 12
    passes: float = 2.0


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Too few different examples for the steps that were made."""
    batches = Batches(run)
    steps = [batch for batch in batches.inputs if batch.rows and batch.model == batches.inputs[0].model]
    if len(steps) < 3 or len(steps) < 0.8 * len(batches.inputs):
        return
    distinct_rows = {row for batch in steps for row in batch.rows}
    drawn = sum(len(batch.rows) for batch in steps)
    # Rows of few possible values (a word's number) do not tell examples apart.
    if sum(len(set(batch.rows)) for batch in steps) < 0.95 * drawn:
        return
    yield from _from_loader(batches, steps, distinct_rows, drawn, limits)
    if len(steps) >= limits.least_steps:
        yield from _from_slices(batches, steps, distinct_rows)
        yield from _from_draws(batches, steps, distinct_rows)


def _from_loader(
    batches: Batches, steps: list[BatchSeen], rows: set[int], drawn: int, limits: Thresholds
) -> Iterator[Finding]:
    if batches.loader is None:
        return
    built, used = batches.loader
    if built.examples <= 0 or built.batches <= 1 or used.training_ticks < 0.8 * batches.run.ticks:
        return
    offered = _offered(built)
    enough = drawn >= limits.passes * offered or (used.iterations >= 3 and _left_early(batches))
    if not enough or len(rows) >= limits.used * offered or not _comparable(steps, built.batch_size):
        return
    per_iteration = used.batches / max(1, used.iterations)
    if "Random" in built.sampler and drawn < 20 * offered:
        return
    why = (
        f"each of {used.iterations} iterations takes {per_iteration:.1f} of {built.batches} batches"
        if _left_early(batches)
        else f"{len(steps)} steps were looked at"
    )
    yield _finding(
        f"Training saw {len(rows)} different examples of {offered}, over and over: {why}.",
        distinct([used.where, built.where, *_loop(batches, steps[0])]),
        {"different_examples": len(rows), "examples": offered, "batches_an_iteration": per_iteration},
        0.95,
    )


def _offered(built: LoaderBuilt) -> int:
    """How many examples a loader gives each time: its sampler may choose some, as those of one process among several."""
    return min(built.examples, built.batches * built.batch_size) if built.batch_size > 0 else built.examples


def _left_early(batches: Batches) -> bool:
    """Whether iterations of a sequential loader end long before its last batch."""
    if batches.loader is None:
        return False
    built, used = batches.loader
    return built.sampler == "SequentialSampler" and used.batches < 0.5 * built.batches * used.iterations


def _comparable(steps: list[BatchSeen], batch_size: int) -> bool:
    """Whether an example of the loader is one row of the model's input."""
    return batch_size <= 0 or max(batch.shape[0] for batch in steps) <= batch_size


def _from_slices(batches: Batches, steps: list[BatchSeen], rows: set[int]) -> Iterator[Finding]:
    """A loop over parts of the data inside of a loop over epochs that gives the same part each time."""
    size = max(len(set(batch.rows)) for batch in steps)
    if batches.loader is not None or len(rows) > 1.05 * size or size < 2:
        return
    loops = loops_around(batches.run, place) if (place := _use(batches, steps[0])) is not None else ()
    inner = loops[-1] if len(loops) >= 2 else None
    if inner is None or not any(word in inner.iterable for word in ("range(", "loader", "perm", "split(", "batch")):
        return
    if not any(
        mark in inner.iterable for mark in ("len(", "loader", "perm", "split(", "size(", "shape", "batch", "//")
    ):
        return
    if _moves_with(batches, steps[0], inner):
        return
    yield _finding(
        f"All of {len(steps)} steps that were looked at saw the same {size} examples, though `for "
        f"{', '.join(inner.targets)} in {inner.iterable}` goes over parts of the data.",
        distinct([*batches.lineage(steps[0])[:2], inner.place, place]),
        {"different_examples": len(rows), "steps": len(steps)},
        0.9,
    )


def _from_draws(batches: Batches, steps: list[BatchSeen], rows: set[int]) -> Iterator[Finding]:
    """A function that the loop calls for each batch draws examples, and draws the same ones each time."""
    run, size, use = batches.run, max(len(set(batch.rows)) for batch in steps), _use(batches, steps[0])
    if batches.loader is not None or len(rows) > 1.05 * size or size < 2 or use is None:
        return
    around = lines.loops_around(run, use)
    for place in batches.lineage(steps[0]):
        function = lines.function_at(run, place)
        if function is None or not around or lines.function_at(run, use) is function:
            continue
        called = [site for site in lines.calls_to(run, function.name) if lines.holds(around[-1], site)]
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        draws = [call for call in calls if lines.last_name(call.func) in _DRAWS]
        if called and draws:
            seeds = [call for call in calls if lines.last_name(call.func) in _SEEDS]
            drawn = [Place(place.file, call.lineno, function.name) for call in (*seeds, *draws)]
            yield _finding(
                f"All of {len(steps)} steps that were looked at saw the same {size} examples, though "
                f"`{function.name}` draws them anew each time: its generator begins anew, too.",
                distinct([*drawn, *called]),
                {"different_examples": len(rows), "steps": len(steps)},
                0.95,
            )
            return


def _moves_with(batches: Batches, batch: BatchSeen, loop: Loop) -> bool:
    """Whether a batch is made with what the loop counts: then it was all of the data, in a loop that goes round once."""
    texts = [batches.run.line(place) for place in batches.lineage(batch) if place.line != loop.place.line]
    texts += [batches.run.line(place) for place in [_use(batches, batch)] if place is not None]
    return any(re.search(rf"\b{re.escape(target)}\b", text) for target in loop.targets for text in texts)


def _use(batches: Batches, batch: BatchSeen) -> Place | None:
    model = batches.run.models.get(batch.model)
    return model.called if model is not None else batch.where


def _loop(batches: Batches, batch: BatchSeen) -> list[Place]:
    place = _use(batches, batch)
    return [loop.place for loop in loops_around(batches.run, place)[-1:]] if place is not None else []


def _finding(message: str, where: tuple[Place, ...], evidence: dict[str, float], confidence: float) -> Finding:
    remedy = "Iterate over the loader itself (`for batch in loader:`), and let the slice move with the loop."
    return Finding(NAME, "error", message, where, {**evidence}, remedy, EXPLAINS, confidence)
