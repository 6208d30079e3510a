"""Greedy soup: the mean of the weights of several networks that lie in one basin (Wortsman et al., "Model soups", ICML 2022, recipe 1)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES
from seatrial.evaluation.voting.losses import loss
from seatrial.practice.ensembles.making import Making
from seatrial.practice.ensembles.member import NETWORK, Member, network
from seatrial.practice.ensembles.renewing import renew
from seatrial.practice.fitting.checkpoints import LAST
from seatrial.practice.made import Made
from seatrial.practice.predicting.predicting import predict

SOUP = "soup"
# Where the error is looked at between two networks; a barrier is highest near the middle.
PLACES = (0.5, 0.25, 0.75)
# Up to two points of error are "no barrier" (Frankle et al., "Linear Mode Connectivity and the Lottery Ticket Hypothesis", ICML 2020,
# section 2); of a regression, two hundredths of the variance of the targets.
BARRIER = 0.02
# And it must stand out from what so many examples show by chance (one-sided 5 %).
NOISE = 1.645
_BATCHES = 20  # for the statistics of batch normalisation at such a place
State = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A network that may go into the soup: its weights on the CPU, its validation loss, and its error on each example."""

    name: str
    state: State
    loss: float
    errors: NDArray[np.float64]


def soup(making: Making, members: Sequence[Member]) -> list[Member]:
    """The networks among the members, and the checkpoints on the way of the best one's training, best first: each that lies in the
    basin of the best one goes in if the validation loss does not rise by it. What lies elsewhere is left out, and told."""
    networks = [each for each in members if each.kind == NETWORK]
    names = [each.name for each in networks]
    if making.store.has(SOUP) and making.store.value(SOUP) == names:
        return [making.store.member(SOUP)]
    if not networks:
        making.left_out.append("soup: there are no networks to average.")
        return []
    making.told("soup: looking for networks in one basin")
    best, *others = _distinct(sorted(_ingredients(making, networks), key=lambda each: each.loss))
    taken, lowest, elsewhere = [best], best.loss, dict[str, float]()
    for each in others:
        height = barrier(making, best, each)
        if height > BARRIER:
            elsewhere[each.name] = height
            continue
        found = loss(_said(making, mean([*(one.state for one in taken), each.state])))
        if found <= lowest:
            taken, lowest = [*taken, each], found
    if elsewhere:
        highest = ", ".join(f"{name} {height * 100:.0f}" for name, height in elsewhere.items())
        making.left_out.append(
            f"soup: other basins than that of {best.name} (barrier between them in points of error, more than {BARRIER * 100:.0f}): {highest}."
        )
    if len(taken) == 1:
        making.left_out.append(f"soup: nothing that lies in the basin of {best.name} lowers its validation loss.")
        return []
    origin = f"mean of the weights of {', '.join(each.name for each in taken)}"
    model = _model(making, mean([each.state for each in taken]))
    made = making.network(SOUP, origin, model, making.settings.seed)
    making.store.remember(SOUP, names)  # of others it would be another one
    return [made]


def barrier(making: Making, one: Ingredient, other: Ingredient) -> float:
    """How far the error on the straight line between two networks rises above the line between their errors, at most, where that stands
    out from noise; no further place is looked at once it is above BARRIER."""
    highest = 0.0
    for place in PLACES:
        between = _errors(_said(making, mean([one.state, other.state], [1 - place, place]), _BATCHES))
        above = between - (1 - place) * one.errors - place * other.errors
        height = float(above.mean())
        if height > NOISE * float(above.std()) / math.sqrt(len(above)):
            highest = max(highest, height)
        if highest > BARRIER:
            break
    return highest


def mean(states: Sequence[State], weights: Sequence[float] | None = None) -> dict[str, torch.Tensor]:
    """The mean of weights, of all entries that are no whole numbers; the others are those of the first."""
    shares = weights or [1 / len(states)] * len(states)
    return {
        name: sum(share * state[name].double() for share, state in zip(shares, states, strict=True)).to(first.dtype)  # pyright: ignore[reportAttributeAccessIssue]
        if first.is_floating_point()
        else first
        for name, first in states[0].items()
    }


# ---- inner steps -------------------------------------------------------------------------------------------------


def _ingredients(making: Making, networks: Sequence[Member]) -> Iterator[Ingredient]:
    for each in networks:
        yield _ingredient(making, each.name, each.file, each.predictions)
    best = min(networks, key=lambda each: loss(each.predictions))
    on_the_way = making.store.training(best.name)
    if on_the_way.is_dir():
        for file in (*sorted(on_the_way.glob("epoch-*.safetensors")), on_the_way / LAST):
            if file.exists():
                yield _ingredient(making, f"{best.name}/{file.stem}", file)


def _distinct(ingredients: Sequence[Ingredient]) -> list[Ingredient]:
    """The same weights only once: the last epoch of a training may be its best one."""
    found: list[Ingredient] = []
    for each in ingredients:
        if not any(all(torch.equal(each.state[name], other.state[name]) for name in each.state) for other in found):
            found.append(each)
    return found


def _ingredient(making: Making, name: str, file: Path, known: Predictions | None = None) -> Ingredient:
    model = network(making.task, file)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    said = known or predict(making.task, model.to(making.device), making.validation)
    return Ingredient(name, state, loss(said), _errors(said))


def _model(making: Making, state: State, batches: int | None = None) -> nn.Module:
    made = making.task.make()
    made.model.load_state_dict(dict(state))
    return renew(making.task, Made(made.model.to(making.device), made.loss, made.optimizer), batches)


def _said(making: Making, state: State, batches: int | None = None) -> Predictions:
    return predict(making.task, _model(making, state, batches), making.validation)


def _errors(said: Predictions) -> NDArray[np.float64]:
    """(n,) the share of wrong answers for an example; of a regression its part of the variance that is not explained."""
    if said.kind in CLASSES:
        return (said.labels != said.targets).reshape(len(said), -1).mean(axis=1)
    squares = ((said.scores - said.targets) ** 2).reshape(len(said), -1).mean(axis=1)
    return squares / max(float(said.targets.var()), 1e-30)
