"""The learning rate of a recorded training: the search of `rate_search`, on forks of its recorded step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from seatrial.findings import Mend
from seatrial.measure.found_rates import Found
from seatrial.numbers import decimal
from seatrial.step.replay import NotReplayable
from seatrial.trials.fork import Fork
from seatrial.trials.plan import Plan
from seatrial.trials.rate_search import Search


def forked_search(plan: Plan, wanted: int, seconds: float, tell: Callable[[str], None]) -> Found:
    """Search for the rate of the largest of the plan's groups; the others keep their proportion to it.

    Args:
        wanted: steps of the training that the rate is for.
        seconds: CPU time that may be spent.

    Raises:
        NotReplayable: the training cannot be forked, or has no learning rate.
    """
    used = max(plan.highest_rate(at) for at in range(len(plan.groups)))
    if not used > 0:
        raise NotReplayable(f"the script's learning rate is {decimal(used)}")
    passes = max(1, plan.turn.count("backward"))

    def train(rates: Sequence[float], seed: int) -> list[float]:
        fork = Fork(plan, Mend("", steady=True, clears=True, steps=True), seed)
        losses = torch.tensor(fork.train(len(rates), factors=[rate / used for rate in rates]), dtype=torch.float64)
        whole = len(losses) // passes * passes
        return losses[:whole].view(-1, passes).mean(dim=1).tolist()  # a step's loss is that of all its passes

    return Search(train, used, wanted, seconds, tell).find()
