"""How a script trains with a recorded step, as far as a fork of it needs to know: read from the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seatrial.events import CallSeen, GroupInfo, Turns
from seatrial.history import Run, Series
from seatrial.rules.turns import Effects
from seatrial.step.recorded import Recorded
from seatrial.step.replay import NotReplayable


@dataclass(frozen=True, slots=True)
class Plan:
    """One optimizer that trains what one recorded step computes.

    `turn`: what happens up to a step of the optimizer, in order: clear | backward | clip | step, as far as it concerns
    its parameters. `rates`: the learning rate of each group over the `ticks` of the run. `clip`: "norm 1.0" or "value
    0.5", "" where nothing is clipped.
    """

    step: Recorded
    optimizer: Any
    groups: tuple[GroupInfo, ...]
    turn: tuple[str, ...]
    rates: tuple[Series, ...]
    ticks: int
    clip: str

    def rate(self, group: int, share: float) -> float:
        """The learning rate of a group when a share (0..1) of the run has gone by."""
        series = self.rates[group]
        known = [value for tick, value in zip(series.ticks, series.values, strict=True) if tick <= share * self.ticks]
        return known[-1] if known else float(self.groups[group].settings.get("lr") or 0.0)

    def highest_rate(self, group: int) -> float:
        """The largest learning rate that a group ever had."""
        return max((*self.rates[group].values, float(self.groups[group].settings.get("lr") or 0.0)))


# A turn of more backward passes than this is not imitated.
MOST_BACKWARDS = 16


def plan(run: Run, steps: dict[int, Recorded], classes: dict[int, Any]) -> Plan:
    """The plan of the main training loop.

    Args:
        steps: recorded steps by their backward call.
        classes: of optimizers, by their number.

    Raises:
        NotReplayable: the loop is none that a fork can imitate; the message says why.
    """
    call = run.main_call
    if call is None or call not in steps:
        raise NotReplayable("no step of the main loss was recorded with its values")
    step = steps[call]
    if run.calls[call].detail != "backward":
        raise NotReplayable("gradients are asked for by torch.autograd.grad")
    learned = {leaf.parameter for leaf in step.leaves("parameter") if leaf.info.requires_grad}
    number = _optimizer(run, learned)
    built = run.optimizers[number]
    if number not in classes:
        raise NotReplayable(f"the class of the optimizer {built.type} is not known")
    turn, clip = _turn(run, number, call)
    rates = tuple(run.settings.get((number, at, "lr"), Series((), ())) for at in range(len(built.groups)))
    return Plan(step, classes[number], built.groups, turn, rates, max(1, run.ticks), clip)


def _optimizer(run: Run, learned: set[int]) -> int:
    """The optimizer of the parameters of a step. The last one that was built counts, where it is built anew."""
    holding = {
        number: len(held & learned)
        for number, built in run.optimizers.items()
        if (held := {p for group in built.groups for p in group.parameters}) & learned
    }
    if not holding:
        raise NotReplayable("no optimizer holds a parameter of the step")
    most = max(holding.values())
    if len({built.type for number, built in run.optimizers.items() if number in holding}) > 1 or any(
        count != most for count in holding.values()
    ):
        raise NotReplayable("several optimizers train the parameters of the step")
    return max(holding)


def _turn(run: Run, number: int, call: int) -> tuple[tuple[str, ...], str]:
    """The turn that came most often, and how it clips."""
    seen: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
    for turn in run.turns:
        if call in turn.calls:
            seen[turn.calls, turn.counts] = seen.get((turn.calls, turn.counts), 0) + _weight(turn)
    if not seen:
        raise NotReplayable("no turn of the loop was seen as a whole")
    calls, counts = max(seen, key=lambda key: seen[key])
    effects = Effects(run)
    kinds: list[str] = []
    clip = ""
    for each, count in zip(calls, counts, strict=True):
        known = run.calls[each]
        kind = _kind(known, effects, number, call)
        if kind == "other":
            raise NotReplayable("the loop makes several backward passes of different kinds in one step")
        if kind == "clip":
            clip = known.detail
        kinds += [kind] * (min(count, MOST_BACKWARDS) if kind == "backward" else 1) if kind else []
    if kinds.count("backward") > MOST_BACKWARDS:
        kinds = ["backward"]
    return tuple(kinds), clip


def _weight(turn: Turns) -> int:
    return turn.repeats if turn.complete else 1


def _kind(call: CallSeen, effects: Effects, optimizer: int, backward: int) -> str:
    if call.kind == "zero_grad" and effects.clears(call, optimizer):
        return "clear"
    if call.kind == "backward":
        if call.call == backward:
            return "backward"
        return "other" if effects.feeds(call, optimizer) else ""
    if call.kind == "step" and call.subject == optimizer and call.detail != "skipped":
        return "step"
    return "clip" if call.kind == "clip" else ""
