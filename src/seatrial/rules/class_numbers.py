"""Whether targets are numbers of classes: one whole number for each example, made from integers, in a program that counts classes."""

from __future__ import annotations

import re

from seatrial.events import Node
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import integral, shape

_CLASS_WORDS = re.compile(r"accuracy|\bacc\b|n_?class|num_?class|classes|argmax|class_?names|correct", re.IGNORECASE)
_REPEATING = frozenset(["expand", "expand_as", "repeat", "broadcast_to", "tile"])
_FROM_WHOLE = frozenset(
    [
        "float",
        "double",
        "half",
        "to",
        "type",
        "type_as",
        "bfloat16",
        "as_tensor",
        "tensor",
        "unsqueeze",
        "view",
        "reshape",
    ]
)


def one_a_row(prediction: Node, target: Node) -> bool:
    """Whether each example has one number, which may stand there once for each of several outputs."""
    first, second = ([size for size in shape(node) if size > 1] for node in (prediction, target))
    return first == second and (len(first) == 1 or (len(first) == 2 and _copied(target)))


def _copied(target: Node) -> bool:
    return target.role == "target" and bool({call.split("@")[0] for call in target.origin} & _REPEATING)


def _maker(target: Node) -> tuple[str, ...]:
    """The call by which the numbers of a target were made, behind calls that only repeat them."""
    made = [call for call in target.origin if call.split("@")[0] not in _REPEATING | {"unsqueeze", "view", "reshape"}]
    return tuple(made[:1])


def was_whole(graph: Graph, target: Node) -> bool:
    """Whether every value is a whole number and the tensor was made from integers."""
    if target.stats.get("integers", 0.0) < 1.0 or target.stats.get("std", 0.0) == 0.0:
        return False
    if target.role:
        return any(call.split("@")[0] in _FROM_WHOLE for call in (*target.origin[:1], *_maker(target)))
    source = graph.back(target)
    return integral(source) or source.role == "target"


def speaks_of_classes(run: Run) -> bool:
    """Whether a program speaks of classes, beside its comments."""
    return any(_CLASS_WORDS.search(_code_only(text)) for text in run.sources.values())


def _code_only(text: str) -> str:
    """The text without comments."""
    return "\n".join(line.split("#", 1)[0] for line in text.splitlines())
