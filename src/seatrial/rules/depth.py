"""The weights of a network in the order in which a step uses them, and the sizes of their gradients at the looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seatrial.events import Look, Place
from seatrial.rules.series import median
from seatrial.rules.training import Training


@dataclass(frozen=True, slots=True)
class Layer:
    """A weight matrix: its number, its path in the model, where its module was made or used."""

    parameter: int
    path: str
    where: Place | None


def layers(training: Training) -> list[Layer]:
    """Matrices of the main loss's first recorded step in order of first use, those used once only: what is shared or
    recurrent has no depth of its own."""
    graph = next(iter(training.graphs), None)
    if graph is None:
        return []
    found: list[tuple[int, Layer]] = []
    for leaf in graph.leaves("parameter"):
        uses = [node for node in graph.consumers(leaf) if node.index in graph.differentiable]
        if leaf.parameter in training.matrices and len(uses) == 1:
            where = uses[0].where
            found.append((uses[0].index, Layer(leaf.parameter, leaf.name, where)))
    return [layer for _, layer in sorted(found, key=lambda pair: pair[0])]


def gradients(look: Look, chain: list[Layer]) -> list[float]:
    """Per layer the root mean square of a gradient's elements relative to the weights' (nan where there is none)."""
    at = {number: index for index, number in enumerate(look.parameters)}
    sizes: list[float] = []
    for layer in chain:
        index = at.get(layer.parameter)
        weight = look.weight_norm[index] if index is not None else math.nan
        gradient = look.gradient_norm[index] if index is not None else math.nan
        sizes.append(gradient / weight if weight > 0 else math.nan)
    return sizes


def typical(chain: list[Layer], looks: list[Look]) -> list[float]:
    """Per layer the median over looks of `gradients`."""
    columns = [gradients(look, chain) for look in looks]
    return [median([column[at] for column in columns]) for at in range(len(chain))] if columns else []
