"""Reading what the loop does: calls in order, and what happens between two steps of an optimizer.

The record keeps turns (what happens up to an optimizer step) in run-length code. Here they are read call by call,
without spelling out what repeats: equal turns in a row are walked twice, once with weight 1 and once with the weight
of all the others, so that what follows from "the same happened before" is seen and the cost stays small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import CallSeen, ModelSeen, ParameterFate, Place, Turns
from seatrial.history import Run


@dataclass(frozen=True, slots=True)
class Made:
    """A call as it was made: `count` times in a row, in a turn that stands for `weight` equal turns from `tick` on."""

    call: CallSeen
    count: int
    weight: int
    tick: int


@dataclass(frozen=True, slots=True)
class Window:
    """What happened between two steps of one optimizer, the second step included as the last of `made`.

    `weight`: so many such windows there were; `first`: nothing of this optimizer's came before.
    `closed` is false for what follows its last step until the end of the run (then there is no step in it)."""

    optimizer: int
    made: tuple[Made, ...]
    weight: int
    tick: int
    first: bool
    closed: bool = True

    def of(self, *kinds: str) -> list[Made]:
        return [made for made in self.made if made.call.kind in kinds]


def turns(run: Run) -> Iterator[tuple[Turns, int, int]]:
    """Each turn with its weight and the tick at which it begins; turns that repeat come twice. Those that were only counted
    in the end are so many more of the last one of their kind."""
    more = {(turn.calls, turn.counts): turn.repeats for turn in run.turns if turn.folded}
    last = {(turn.calls, turn.counts): number for number, turn in enumerate(run.turns) if not turn.folded}
    for number, turn in enumerate(run.turns):
        if turn.folded:
            continue
        key = (turn.calls, turn.counts)
        extra = more.get(key, 0) if last[key] == number else 0
        if turn.repeats > 1:
            yield turn, 1, turn.first
            yield turn, turn.repeats - 1 + extra, turn.first + _ticks(run, turn)
        else:
            yield turn, 1 + extra, turn.first


def _ticks(run: Run, turn: Turns) -> int:
    calls = zip(turn.calls, turn.counts, strict=True)
    return sum(count for call, count in calls if call in run.calls and run.calls[call].kind == "backward")


def made(run: Run) -> Iterator[Made]:
    """All calls in order."""
    for turn, weight, tick in turns(run):
        for number, count in zip(turn.calls, turn.counts, strict=True):
            call = run.calls.get(number)
            if call is None:
                continue
            yield Made(call, count, weight, tick)
            tick += count if call.kind == "backward" else 0


def is_step(call: CallSeen, optimizer: int) -> bool:
    return call.kind == "step" and call.subject == optimizer


def windows(run: Run, optimizer: int) -> list[Window]:
    """What happened between the steps of one optimizer, in order; the last one may be open."""
    found: list[Window] = []
    pending: list[Made] = []
    begun = 0
    for one in made(run):
        pending.append(one)
        if is_step(one.call, optimizer):
            found.append(Window(optimizer, tuple(pending), one.weight * one.count, begun, not found))
            pending, begun = [], one.tick
    if pending:
        found.append(Window(optimizer, tuple(pending), 1, begun, not found, closed=False))
    return found


def steps(run: Run, optimizer: int) -> int:
    """How often an optimizer stepped."""
    return sum(one.weight * one.count for one in made(run) if is_step(one.call, optimizer))


def count(run: Run, kind: str) -> dict[int, int]:
    """How often each call of a kind was made, by its id."""
    found: dict[int, int] = {}
    for one in made(run):
        if one.call.kind == kind:
            found[one.call.call] = found.get(one.call.call, 0) + one.weight * one.count
    return found


def stepping(run: Run) -> list[int]:
    """Optimizers that stepped at least once."""
    numbers = {call.subject for call in run.calls.values() if call.kind == "step"}
    return sorted(number for number in numbers if number in run.optimizers)


def trains_by_hand(run: Run) -> bool:
    """Whether parameters that had gradients changed although no optimizer stepped."""
    fates = run.every(ParameterFate)
    return not stepping(run) and any(fate.changed and fate.had_gradient and not fate.loaded for fate in fates)


def held(run: Run, optimizer: int) -> frozenset[int]:
    """The parameters of an optimizer."""
    built = run.optimizers.get(optimizer)
    return frozenset(p for group in built.groups for p in group.parameters) if built else frozenset()


def owned(run: Run, model: int) -> frozenset[int]:
    """The parameters that a model ever had."""
    return frozenset(
        info.parameter
        for seen in run.every(ModelSeen)
        if seen.model == model
        for info in seen.parameters
        if not info.is_buffer
    )


class Effects:
    """Which parameters a call reads or writes, as far as the record tells."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._reached: dict[int, frozenset[int]] = {}
        for graph in run.training_graphs:
            leaves = {n.parameter for n in graph.nodes if n.parameter >= 0 and any(o.requires_grad for o in n.outputs)}
            self._reached[graph.call] = self._reached.get(graph.call, frozenset()) | leaves
        self._fed = frozenset[int]().union(*self._reached.values())
        calls = run.calls_of("backward")
        self._all_recorded = all(call.call in self._reached for call in calls)

    def feeds(self, call: CallSeen, optimizer: int) -> bool:
        """Whether a backward call leaves gradients in an optimizer's parameters (true where that is not known)."""
        if call.kind != "backward" or call.detail != "backward":
            return False
        own = held(self.run, optimizer)
        reached = self._reached.get(call.call)
        if reached is None or reached & own:
            return True
        # A line that serves several networks may be recorded for others alone.
        return self._all_recorded and not own & self._fed and not self._dry(optimizer)

    def _dry(self, optimizer: int) -> bool:
        """Whether looks at an optimizer's steps found no gradient at all."""
        looks = [look for look in self.run.looks if look.optimizer == optimizer]
        return bool(looks) and not any(norm > 0 for look in looks for norm in look.gradient_norm)

    def surely_feeds(self, call: CallSeen, optimizer: int) -> bool:
        """As `feeds`, but only where a recorded step shows it."""
        return bool(self._reached.get(call.call, frozenset()) & held(self.run, optimizer)) and self.feeds(
            call, optimizer
        )

    def clears(self, call: CallSeen, optimizer: int) -> bool:
        """Whether a zero_grad clears gradients of an optimizer's parameters (true where that is not known)."""
        if call.kind != "zero_grad":
            return False
        if call.detail != "module" and call.subject == optimizer:
            return True
        other = owned(self.run, call.subject) if call.detail == "module" else held(self.run, call.subject)
        return not other or bool(other & held(self.run, optimizer))


def places(*ones: Made | CallSeen | Place | None) -> tuple[Place, ...]:
    """The lines of calls, without repetitions."""
    kept: dict[tuple[str, int], Place] = {}
    for one in ones:
        call = one.call if isinstance(one, Made) else one
        place = call.where if isinstance(call, CallSeen) else call
        if place is not None:
            kept.setdefault((place.file, place.line), place)
    return tuple(kept.values())
