"""Quantities that a loss is made of and that have a wrong side: what is to be made small and what is to be made large."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.events import Node, Ref
from seatrial.rules.graph import SHAPE_OPS, WEIGHT_OPS, Graph
from seatrial.rules.losses import Term, is_square_of, terms
from seatrial.rules.patterns import operands, shape, wants_gradient

_ERRORS = frozenset(
    [
        "cross_entropy",
        "nll_loss",
        "nll_loss_nd",
        "mse_loss",
        "l1_loss",
        "smooth_l1_loss",
        "huber_loss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "poisson_nll_loss",
        "gaussian_nll_loss",
        "multi_margin_loss",
        "ctc_loss",
    ]
)
_LOGARITHMS = frozenset(["log", "log_softmax", "logsigmoid"])


@dataclass(frozen=True, slots=True)
class Goal:
    """A term of the loss that is to fall (`falls`) or to rise, what it is, and the sign with which it enters the loss."""

    term: Term
    what: str
    falls: bool
    sign: int

    @property
    def wrong(self) -> bool:
        return self.sign != 0 and (self.sign > 0) != self.falls


def goals(graph: Graph) -> list[Goal] | None:
    """The goals of all terms of the loss; None where a term is something that no goal is known of."""
    found: list[Goal] = []
    for term in terms(graph):
        if _is_penalty(graph, term.node):
            continue
        goal = _goal(graph, term)
        if goal is None:
            return None
        found.append(goal)
    return found


def _is_penalty(graph: Graph, node: Node) -> bool:
    """A term of the weights alone."""
    return not any(graph.node(at).role in ("input", "target", "carried") for at in graph.upstream(node))


def _goal(graph: Graph, term: Term) -> Goal | None:
    node, sign = term.node, term.sign
    if node.op in _ERRORS:
        target = graph.source(node, 1, "target")
        return Goal(term, node.op, True, sign) if target is not None and _varied(target) else None
    if node.op == "cosine_similarity":
        return Goal(term, "cosine similarity to the target", False, sign) if _one_is_given(graph, node) else None
    difference = is_square_of(graph, node)
    if difference is not None:
        return Goal(term, "squared or absolute error", True, sign) if _is_error(graph, difference) else None
    if _is_likelihood(graph, node):
        return Goal(term, "log-likelihood of the targets", False, sign)
    if _is_overlap(graph, node):
        return Goal(term, "overlap of prediction and target", False, sign)
    return None


def _varied(target: Node) -> bool:
    """Targets that differ from example to example: not the ones and zeros that a discriminator is fooled with."""
    return target.role == "target" and target.stats.get("std", 1.0) > 0 and max(shape(target), default=1) > 1


def _one_is_given(graph: Graph, node: Node) -> bool:
    return any(source.role == "target" for source in graph.inputs(node)[:2])


def _is_error(graph: Graph, difference: Node) -> bool:
    """A difference of something learned and something given, as large as what is given."""
    difference = graph.back(difference, SHAPE_OPS | {"div", "mul"})
    if difference.op not in ("sub", "rsub"):
        return False
    left, right = operands(graph, difference)
    if not isinstance(left, Node) or not isinstance(right, Node) or wants_gradient(left) == wants_gradient(right):
        return False
    given = right if wants_gradient(left) else left
    return graph.back(given).role == "target" and given.stats.get("std", 1.0) > 0 and shape(left) == shape(right)


def _is_likelihood(graph: Graph, node: Node) -> bool:
    """Log-probabilities picked by the targets, or multiplied by targets that are nowhere negative."""
    if node.op in ("gather", "getitem", "take_along_dim"):
        chosen = [
            source for source in graph.inputs(node)[1:] if graph.back(source).role in ("target", "constant", "input")
        ]
        return bool(chosen) and graph.back(graph.inputs(node)[0]).op in _LOGARITHMS
    if node.op != "mul":
        return False
    left, right = operands(graph, node)
    for learned, given in ((left, right), (right, left)):
        if isinstance(learned, Node) and isinstance(given, Node) and not wants_gradient(given):
            made = graph.back(learned).op in _LOGARITHMS
            if (
                made
                and given.stats.get("min", -1.0) >= 0
                and given.stats.get("max", 2.0) <= 1
                and given.stats.get("std", 0.0) > 0
            ):
                return True
    return False


def _is_overlap(graph: Graph, node: Node) -> bool:
    """A Dice coefficient or intersection over union: sum(p * t) over sum(p) + sum(t)."""
    if node.op != "div":
        return False
    over, under = operands(graph, node)
    if not isinstance(over, Node) or not isinstance(under, Node) or not wants_gradient(under):
        return False
    products = [graph.node(at) for at in {over.index, *_near(graph, over)} if graph.node(at).op == "mul"]
    met = any(_learned_with_target(graph, product) for product in products)
    sums = [graph.node(at) for at in {under.index, *_near(graph, under)} if graph.node(at).op == "sum"]
    return met and len(sums) >= 2 and over.stats.get("min", 0.0) >= 0


def _near(graph: Graph, node: Node) -> set[int]:
    return graph.upstream(node, lambda far: far.op in WEIGHT_OPS or far.op in ("sigmoid", "softmax"))


def _learned_with_target(graph: Graph, product: Node) -> bool:
    parts = [graph.node(ref) for ref in product.args if isinstance(ref, Ref)]
    given = [part for part in parts if not wants_gradient(part) and graph.back(part).role in ("target", "input")]
    return len(parts) == 2 and len(given) == 1 and max(shape(product), default=1) > 1
