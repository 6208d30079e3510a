"""The loss of the untrained network, as the script drew it and drawn anew, against the best constant answer.

A. Karpathy, CS231n notes, "Before learning: sanity checks": look for correct loss at chance performance, regularisation off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from seatrial.events import Untrained
from seatrial.measure.constants import best_constant
from seatrial.step.capture import Leaf
from seatrial.step.recorded import Recorded, unregularised
from seatrial.step.replay import Step
from seatrial.step.tail import Tail
from seatrial.trials.fork import draw_anew
from seatrial.trials.subsets import batch_size, with_rows

FRESH = 5
MOST_CLASSES = 20


def untrained(step: Recorded, tell: Callable[[str], None]) -> Iterator[Untrained]:
    """Evaluate the step without dropout, with its own parameters and with weights that are drawn as torch draws them.

    Raises:
        NotReplayable: the loss does not follow from one answer of one model.
    """
    tell("the loss of the untrained network")
    replay = Step(step.program, step.roots, step.roles)
    constant, how = constant_loss(step, replay)
    own = _loss(replay, replay.values())
    fresh: list[float] = []
    for seed in range(FRESH):
        values = replay.values()
        draw_anew(replay.leaves, values, seed)
        fresh.append(_loss(replay, values))
    yield Untrained(step.seen.tick, step.seen.call, own, tuple(fresh), constant, how, _by_class(step, replay))


def constant_loss(step: Recorded, replay: Step) -> tuple[float, str]:
    """The loss of the best constant answer for the recorded batch (nan where there is none), and how it is known."""
    tail = Tail(step, replay)
    values = replay.values()
    info = tail.answer.outputs[0]
    like = torch.zeros(info.shape, dtype=getattr(torch, info.dtype.removeprefix("torch.")))
    found = best_constant(lambda outputs: tail(outputs, values), like)
    return (found.value, found.how) if found is not None else (math.nan, "")


def _loss(replay: Step, values: list[torch.Tensor]) -> float:
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        roots = replay(values, substitute=unregularised)
    return sum(root.sum().item() for root in roots)


def _by_class(step: Recorded, replay: Step) -> dict[str, float]:
    """The loss of each class alone, where the only target is a class for each example."""
    targets = step.leaves("target")
    if len(targets) != 1 or len(targets[0].info.shape) != 1 or not _counts(targets[0]):
        return {}
    size, labels = batch_size(step), targets[0].value
    if len(labels) != size:
        return {}
    found: dict[str, float] = {}
    for label in labels.unique().tolist()[:MOST_CLASSES]:
        rows = torch.nonzero(labels == label).reshape(-1)
        found[str(label)] = _loss(replay, with_rows(step, replay, rows[torch.arange(size) % len(rows)]))
    return found


def _counts(leaf: Leaf) -> bool:
    value: Any = leaf.value
    return "int" in leaf.info.dtype and value is not None
