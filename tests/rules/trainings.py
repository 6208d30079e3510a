"""Small hand-made runs for tests of rules that read curves and batches: two matrices, one loss, one optimizer."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from graphs import FILE, Step

from seatrial.events import (
    BatchSeen,
    CallSeen,
    Clips,
    EvaluationPass,
    Event,
    GraphSeen,
    GroupInfo,
    LoaderBuilt,
    LoaderIterated,
    Look,
    Losses,
    ModelSeen,
    OptimizerBuilt,
    ParameterInfo,
    Place,
    RunEnded,
    Scalar,
    Settings,
    SourceSeen,
)
from seatrial.history import Run

BACKWARD, CLIP = 2, 3
SOURCE = "\n".join(
    [
        "x = torch.tensor(raw)",
        "y = torch.tensor(labels)",
        "loader = DataLoader(TensorDataset(x, y), batch_size=8)",
        "optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)",
        "for epoch in range(3):",
        "    for xb, yb in loader:",
        "        loss = cross_entropy(model(xb), yb)",
        "        loss.backward()",
        "        clip_grad_norm_(model.parameters(), 1.0)",
        "for xv, yv in val_loader:",
        "    model(xv)",
    ]
)


def at(line: int) -> Place:
    return Place(FILE, line, "<module>")


def step(dtype: str = "int64", op: str = "cross_entropy") -> GraphSeen:
    """input → linear → relu → linear → loss."""
    made = Step()
    x, y = made.input(8, 20, mean=0.0, std=1.0, min=-2.0, max=2.0), made.target(8, dtype=dtype)
    first, second = made.parameter(16, 20, name="model.0.weight"), made.parameter(4, 16, name="model.2.weight")
    hidden = made.call("relu", made.call("linear", x, first, shape=(8, 16)))
    loss = made.call(op, made.call("linear", hidden, second, shape=(8, 4)), y, shape=())
    seen = made.seen(loss)
    numbers = {first.node: 0, second.node: 1}
    nodes = tuple(replace(node, parameter=numbers.get(node.index, -1)) for node in seen.nodes)
    return replace(seen, nodes=nodes, call=BACKWARD)


def look(tick: int, ratio: float, gradient: float = 0.1, weight: float = 1.0) -> Look:
    """Both matrices alike."""
    return Look(
        tick,
        0,
        (0, 1),
        (weight,) * 2,
        (gradient,) * 2,
        (gradient,) * 2,
        (0.0,) * 2,
        (0,) * 2,
        (ratio * weight,) * 2,
        (),
    )


def run_of(
    losses: Sequence[float],
    *also: Event,
    ratios: Sequence[float] = (0.001,) * 6,
    rates: Sequence[tuple[int, float]] = (),
    graph: GraphSeen | None = None,
    kind: str = "SGD",
    **settings: Scalar,
) -> Run:
    """A run with the given losses (one a tick) and update ratios (at looks spread over it)."""
    shapes = ((16, 20), (4, 16))
    parameters = tuple(
        ParameterInfo(number, f"{2 * number}.weight", shape, "float32", True, False, {"std": 0.1, "norm": 1.0})
        for number, shape in enumerate(shapes)
    )
    ticks = tuple(range(len(losses)))
    events: list[Event] = [
        SourceSeen(FILE, SOURCE),
        OptimizerBuilt(0, 0, kind, (GroupInfo((0, 1), {"lr": 0.1, **settings}),), at(4)),
        ModelSeen(0, 0, "model", "Sequential", at(1), at(7), (), parameters),
        CallSeen(BACKWARD, "backward", -1, "backward", at(8)),
        CallSeen(CLIP, "clip", -1, "norm 1.0", at(9)),
        graph or step(),
        Losses(BACKWARD, ticks, tuple(losses)),
        *(look(1 + number * max(1, len(losses) // max(1, len(ratios))), ratio) for number, ratio in enumerate(ratios)),
    ]
    if rates:
        events.append(Settings(0, 0, "lr", tuple(tick for tick, _ in rates), tuple(rate for _, rate in rates)))
    ended = RunEnded("completed", 0, "", None, len(losses), len(losses), 1.0, 0.0)
    return Run.of([*events, *also, ended])


def noisy(values: Sequence[float], noise: float = 0.03, seed: int = 0) -> list[float]:
    """A curve with relative noise."""
    draws = random.Random(seed)
    return [value * (1 + noise * draws.gauss(0, 1)) for value in values]


def falling(start: float, end: float, count: int) -> list[float]:
    """From start to end as learning curves go."""
    return [end + (start - end) * math.exp(-5 * number / count) for number in range(count)]


def batch(
    tick: int,
    rows: Sequence[int],
    *,
    role: str = "input",
    phase: str = "training",
    classes: Sequence[int] | None = None,
    means: Sequence[float] = (0.1, -0.1, 0.05),
    stds: Sequence[float] = (1.0, 0.9, 1.1),
    line: int = 6,
) -> BatchSeen:
    """A batch of examples known by number; of a target, their classes."""
    if role == "target":
        known = list(classes or [])
        histogram = {str(name): count for name, count in Counter(known).items()}
        mean = sum(known) / max(1, len(known))
        stats = {"mean": mean, "std": 1.0, "min": 0.0, "max": 9.0, "nonfinite": 0.0}
        return BatchSeen(tick, phase, 0, role, 0, (len(known),), "int64", stats, histogram, tuple(rows), where=at(7))
    stats = {"mean": sum(means) / len(means), "std": 1.0, "nonfinite": 0.0, "constant_share": 0.0}
    shape = (len(rows), len(means))
    return BatchSeen(
        tick, phase, 0, role, 0, shape, "float32", stats, {}, tuple(rows), tuple(means), tuple(stds), at(line)
    )


def loader(
    examples: int, batch_size: int, iterations: int, batches: int, sampler: str = "SequentialSampler"
) -> tuple[LoaderBuilt, LoaderIterated]:
    """A loader that all training steps drew from."""
    built = LoaderBuilt(
        0, 0, examples, examples // batch_size, batch_size, sampler, False, 0, data=0, base=0, where=at(3)
    )
    return built, LoaderIterated(0, iterations, batches, batches, at(6))


def evaluated(tick: int, rows: Sequence[int], loss: float = 1.0, label: str = "val") -> EvaluationPass:
    return EvaluationPass(tick, 0, at(11), 1, len(rows), 0.0, 0.0, {"cross_entropy": loss}, tuple(rows), label, data=5)


def clips(norms: Sequence[float], bound: float = 1.0) -> Clips:
    return Clips(CLIP, tuple(range(len(norms))), tuple(norms), bound, 2, 2, (0, 1))
