"""Can the network drive the loss of a few examples to zero? A ladder of one, five and twenty examples and a whole batch,
regularisation off; beside it twins with shuffled targets and with inputs of zero.

A. Karpathy, "A Recipe for Training Neural Networks", 2019: "overfit one batch". The twin with shuffled targets is after
C. Zhang et al., "Understanding deep learning requires rethinking generalization", ICLR 2017.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import torch

from seatrial.events import Overfitted, Rung
from seatrial.step.generators import unmoved
from seatrial.step.recorded import Recorded, unregularised
from seatrial.step.replay import NotReplayable, total
from seatrial.trials.subsets import batch_size, subset, with_other_targets, without_inputs
from seatrial.trials.untrained import constant_loss, least_loss

LADDER = (1, 5, 20)
MOST_STEPS = 300
FEWEST_STEPS = 40
# Adam's rates, tried in this order on the first rung; the one that brings it lowest serves for the others.
RATES = (3e-3, 3e-2, 3e-4)
# A rung has passed, and ends, at this share of the best constant's loss (both above the least that any answer leaves).
PASSED = 0.02


def overfitted(step: Recorded, seconds: float, tell: Callable[[str], None]) -> Iterator[Overfitted]:
    """Climb the ladder within some seconds.

    Raises:
        NotReplayable: the examples of the step cannot be told apart, its loss depends on chance, or there is too little time.
    """
    if step.draws:
        raise NotReplayable(
            "random numbers are drawn on the way to its loss, so that the least possible one is not known"
        )
    ladder = _Ladder(step, tell)
    if not math.isfinite(ladder.constant) or ladder.constant <= max(ladder.least, 0):
        return
    steps = ladder.affordable(seconds)
    sizes = [*(size for size in LADDER if size < ladder.size), ladder.size]
    first, rate = ladder.first(sizes[0], steps)
    rungs = [first, *(ladder.climb(size, "as it is", rate, steps) for size in sizes[1:])]
    twin = max(size for size in sizes if size <= max(LADDER))
    if twin > 1:
        rungs += [ladder.climb(twin, kind, rate, steps) for kind in ("shuffled targets", "inputs of zero")]
    yield Overfitted(step.seen.tick, step.seen.call, ladder.constant, ladder.how, tuple(rungs), ladder.least)


class _Ladder:
    def __init__(self, step: Recorded, tell: Callable[[str], None]) -> None:
        self.step = step
        self.tell = tell
        self.replay = step.whole()
        self.size = batch_size(step)
        self.constant, self.how = constant_loss(step, self.replay)
        self.least = least_loss(step, self.replay, self.replay.values())

    def affordable(self, seconds: float) -> int:
        """Steps for each of the trainings (two rates more on the first rung)."""
        start = time.thread_time()
        self._train(subset(self.step, self.replay, 1), RATES[0], 3, -math.inf)
        each = (time.thread_time() - start) / 3
        steps = int(seconds / ((len(LADDER) + 3 + len(RATES) - 1) * each))
        if steps < FEWEST_STEPS:
            raise NotReplayable(f"{FEWEST_STEPS} steps for each rung would take too long ({each * 1000:.0f} ms a step)")
        return min(MOST_STEPS, steps)

    def first(self, examples: int, steps: int) -> tuple[Rung, float]:
        """The first rung with each rate until it passes: the best of them and its rate."""
        tried: list[tuple[Rung, float]] = []
        for rate in RATES:
            tried.append((self.climb(examples, "as it is", rate, steps), rate))
            if tried[-1][0].loss <= self._passes(tried[-1][0].least):
                break
        return min(tried, key=lambda found: found[0].loss)

    def climb(self, examples: int, kind: str, rate: float, steps: int) -> Rung:
        self.tell(f"overfitting {examples} examples, {kind}")
        values = subset(self.step, self.replay, examples)
        if kind == "shuffled targets":
            with_other_targets(self.step, self.replay, values, examples)
        elif kind == "inputs of zero":
            without_inputs(self.step, self.replay, values)
        least = least_loss(self.step, self.replay, values)
        losses = self._train(values, rate, steps, self._passes(least))
        finite = [loss for loss in losses if math.isfinite(loss)]
        return Rung(examples, kind, min(finite, default=math.inf), len(losses), rate, tuple(losses), least)

    def _passes(self, least: float) -> float:
        """The loss at which a rung whose examples leave at least so much has passed."""
        return least + PASSED * (self.constant - self.least)

    def _train(self, values: list[torch.Tensor], rate: float, steps: int, passed: float) -> list[float]:
        learned = [
            value
            for leaf, value in zip(self.replay.leaves, values, strict=True)
            if leaf.state == "parameter" and value.requires_grad
        ]
        if not learned:
            raise NotReplayable("it has nothing to learn")
        optimizer = torch.optim.Adam(learned, rate)
        losses: list[float] = []
        with torch.enable_grad(), unmoved():
            torch.manual_seed(0)
            while len(losses) < steps and not (losses and losses[-1] <= passed):
                given = [
                    value if leaf.state else value.detach().clone().requires_grad_(leaf.info.requires_grad)
                    for leaf, value in zip(self.replay.leaves, values, strict=True)
                ]
                loss = total(self.replay(given, substitute=unregularised, same_random_numbers=False))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()  # pyright: ignore[reportUnknownMemberType]
                losses.append(loss.item())
                if not math.isfinite(losses[-1]):
                    break
        return losses
