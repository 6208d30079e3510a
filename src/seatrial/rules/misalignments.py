"""What speaks for it that targets do not belong to their inputs, besides that nothing is associated: they are drawn anew, one of
the two is reordered, they are some places off each other, or examples of the evaluation can be answered."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.events import Association, DataGlanced, Place
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules.batches import Batches
from seatrial.rules.graph import Graph
from seatrial.rules.pairings import pairings
from seatrial.rules.reorders import one_sided
from seatrial.rules.resolved import Step
from seatrial.rules.source import place_of
from seatrial.rules.syntax import tail
from seatrial.rules.where import distinct

if TYPE_CHECKING:
    from seatrial.rules.data.misaligned_labels import Thresholds

_DRAWS = frozenset("randint rand randn random normal uniform integers choice choices bernoulli multinomial".split())
# Lines that move targets or inputs along, and those that may.
_MOVES = re.compile(r"roll\(|shift\(|append|pop\(|insert|skip|header|next\(")
_SLICES = re.compile(r"\[\s*-?\w+\s*:|:\s*-\w+\s*\]")


@dataclass(frozen=True, slots=True)
class Cause:
    """What speaks for it, in words that go on a sentence, the places, how sure that is, and figures."""

    message: str
    places: tuple[Place, ...]
    confidence: float
    figures: dict[str, float]


def redrawn(batches: Batches, inputs: list[Step], targets: list[Step], limits: Thresholds) -> Cause | None:
    """Examples that come again with any other class."""
    found = pairings(batches, exact=False)
    if found is None or found.comings < limits.comings:
        return None
    error = math.sqrt(found.chance * (1 - found.chance) / found.comings)
    if found.agreement > found.chance + limits.spreads * error or found.chance > 0.75 or _drawn(targets):
        return None
    ours, theirs = one_sided(inputs, targets)
    return Cause(
        f"an example that comes again has the class that it had before in {percent(found.agreement)} of {found.comings} cases, "
        f"where chance gives {percent(found.chance)}",
        tuple(each.place for each in (*ours, *theirs)),
        0.95,
        {"same_class_again": found.agreement, "same_class_by_chance": found.chance},
    )


def reordered(inputs: list[Step], targets: list[Step]) -> Cause | None:
    """A reordering in the source of one of them alone."""
    ours, theirs = one_sided(inputs, targets)
    if not inputs or not targets or not (ours or theirs) or _drawn(targets):
        return None
    both = "inputs and targets are each put into an order of their own"
    one = f"{'inputs' if ours else 'targets'} are put into another order without the {'targets' if ours else 'inputs'}"
    places = sorted({each.place for each in (*ours, *theirs)}, key=lambda place: (place.file, place.line))
    return Cause(both if ours and theirs else one, tuple(places), 0.94, {})


def shifted(run: Run, seen: DataGlanced, inputs: list[Step], targets: list[Step], limits: Thresholds) -> Cause | None:
    """Targets that belong to inputs some places away, in the order in which examples came."""
    others = [each for each in run.every(DataGlanced) if each.model == seen.model and each.phase != seen.phase]
    moved = next((each for each in (seen, *others) if _moved(each, limits)), None)
    if moved is None or _recurrent(run):
        return None
    places = abs(moved.shift)
    lines = [place_of(file, file.statement(node)) for file, node in (*targets, *inputs)]
    data = "" if moved is seen else "in the evaluation, "
    return Cause(
        f"{data}with the target of the example {places} place{'s' if places > 1 else ''} "
        f"{'later' if moved.shift > 0 else 'earlier'} the nearest other example is right {_in_words(moved, moved.shifted)}",
        distinct(place for pattern in (_MOVES, _SLICES) for place in lines if pattern.search(run.line(place))),
        0.93,
        {"shift": moved.shift, "nearest_neighbour_shifted": moved.shifted.score},
    )


def _moved(seen: DataGlanced, limits: Thresholds) -> bool:
    """Whether targets belong to other inputs than those that they come with, of examples that are no series."""
    return deviations(seen.nearest) < limits.spreads and _strong(seen.shifted, limits) and seen.alike < limits.walk


def _strong(test: Association, limits: Thresholds) -> bool:
    return deviations(test) >= limits.sure and test.score - test.chance > limits.strong * (1 - test.chance)


def unlike_evaluation(
    run: Run, seen: DataGlanced, inputs: list[Step], targets: list[Step], limits: Thresholds
) -> Cause | None:
    """Examples of the evaluation that can be answered, of the same kind and no more of them."""
    for other in run.every(DataGlanced):
        alike = other.model == seen.model and (other.classes > 0) == (seen.classes > 0)
        near = other.nearest
        if other.phase != "evaluation" or not alike or other.examples > 2 * seen.examples or _drawn(targets):
            continue
        if _strong(near, limits):
            lines = [place_of(file, file.statement(node)) for file, node in (*targets, *inputs)]
            return Cause(
                f"for examples of the evaluation the nearest other example is right {_in_words(other, near)}",
                distinct(lines)[-3:],
                0.88,
                {"nearest_neighbour_in_evaluation": near.score},
            )
    return None


def _drawn(targets: list[Step]) -> bool:
    """Whether targets are random draws of the program's own, and nothing but that."""
    for _, node in targets:
        if isinstance(node, ast.BinOp) and not any(isinstance(part, ast.Constant) for part in (node.left, node.right)):
            return False
        if isinstance(node, ast.Call) and (tail(node.func) in _DRAWS or _of_a_distribution(node)):
            return True
    return False


def _of_a_distribution(call: ast.Call) -> bool:
    """`policy.sample()`; not `frame.sample(frac=1)`."""
    return tail(call.func) in ("sample", "rsample") and not call.args and not call.keywords


def _recurrent(run: Run) -> bool:
    """Whether the network remembers from one position to the next: then a target may belong to an earlier input."""
    recurrent = ("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "scaled_dot_product_attention")
    return any(True for graph in run.training_graphs[:2] for _ in Graph(graph).calls(*recurrent))


def _in_words(seen: DataGlanced, test: Association) -> str:
    if seen.classes:
        return f"in {percent(test.score)} of the cases"
    return f"with a correlation of {test.score:.2f}"


def deviations(test: Association) -> float:
    """By how many standard deviations a score is above what permuted targets give."""
    return (test.score - test.chance) / max(test.spread, 1e-9)
