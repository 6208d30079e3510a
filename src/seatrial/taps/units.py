"""From a recorded step to the units in it that are dead or saturated."""

from __future__ import annotations

import math

from seatrial.events import GraphSeen, Node, Units


def units_of(graph: GraphSeen) -> Units | None:
    """What is known of rectified and bounded units in a step; None where there are none. A module that is called many times
    (a cell, step after step) counts with the mean of its calls."""
    found: dict[str, list[tuple[float, float]]] = {}
    for node in graph.nodes:
        stats = node.stats
        if "dead_share" in stats or "low_share" in stats:
            saturated = stats.get("low_share", math.nan) + stats.get("high_share", math.nan)
            found.setdefault(_name(node), []).append((stats.get("dead_share", math.nan), saturated))
    if not found:
        return None
    means = [tuple(math.fsum(column) / len(column) for column in zip(*rows, strict=True)) for rows in found.values()]
    dead, saturated = zip(*means, strict=True)
    return Units(graph.tick, graph.call, tuple(found), dead, saturated)


def _name(node: Node) -> str:
    """The module whose only purpose it is, or the operation in a module that does more."""
    own = node.module.rpartition(".")[2]
    if node.op.replace("_", "") in node.module_type.lower() or not node.where:
        return node.module or node.op
    return f"{own + ' ' if own else ''}{node.op}, line {node.where.line}"
