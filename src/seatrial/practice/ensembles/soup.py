"""Greedy soup: the mean of the weights of several networks that lie in one basin (Wortsman et al., "Model soups", ICML 2022, recipe 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.columns import CLASSES
from seatrial.evaluation.voting.losses import error, loss
from seatrial.practice.ensembles.making import Making
from seatrial.practice.ensembles.member import NETWORK, Member, network
from seatrial.practice.ensembles.renewing import renew
from seatrial.practice.fitting.checkpoints import LAST
from seatrial.practice.predicting.predicting import predict
from seatrial.practice.task import Made

SOUP = "soup"
# Where the error is looked at between two networks; a barrier is highest near the middle.
PLACES = (0.5, 0.25, 0.75)
# Two points of error are "no barrier" (Frankle et al., "Linear Mode Connectivity and the Lottery Ticket Hypothesis", ICML 2020,
# section 2); of a regression, two hundredths of the variance of the targets.
BARRIER = 0.02
_BATCHES = 20  # for the statistics of batch normalisation at such a place
State = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A network that may go into the soup: its weights on the CPU, its validation loss and error."""

    name: str
    state: State
    loss: float
    error: float


def soup(making: Making, members: Sequence[Member]) -> list[Member]:
    """The networks among the members, and the checkpoints on the way of the best one's training, best first: each that lies in the
    basin of the best one goes in if the validation loss does not rise by it. What lies elsewhere is left out, and told."""
    if making.store.has(SOUP):
        return [making.store.member(SOUP)]
    networks = [each for each in members if each.kind == NETWORK]
    if not networks:
        making.left_out.append("soup: there are no networks to average.")
        return []
    making.told("soup: looking for networks in one basin")
    ingredients = sorted(_ingredients(making, networks), key=lambda each: each.loss)
    best, *others = ingredients
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
    names = ", ".join(each.name for each in taken)
    model = _model(making, mean([each.state for each in taken]))
    return [making.network(SOUP, f"mean of the weights of {names}", model, making.settings.seed)]


def barrier(making: Making, one: Ingredient, other: Ingredient) -> float:
    """How far the error on the straight line between two networks rises above the line between their errors, at most; no further place
    is looked at once it is above BARRIER."""
    highest = 0.0
    for place in PLACES:
        between = _error(_said(making, mean([one.state, other.state], [1 - place, place]), _BATCHES))
        highest = max(highest, between - (1 - place) * one.error - place * other.error)
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


def _ingredient(making: Making, name: str, file: Path, known: Predictions | None = None) -> Ingredient:
    model = network(making.task, file)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    said = known or predict(making.task, model.to(making.device), making.validation)
    return Ingredient(name, state, loss(said), _error(said))


def _model(making: Making, state: State, batches: int | None = None) -> nn.Module:
    made = making.task.make()
    made.model.load_state_dict(dict(state))
    return renew(making.task, Made(made.model.to(making.device), made.loss, made.optimizer), batches)


def _said(making: Making, state: State, batches: int | None = None) -> Predictions:
    return predict(making.task, _model(making, state, batches), making.validation)


def _error(said: Predictions) -> float:
    """The share of wrong answers; of a regression that of the variance which is not explained."""
    if said.kind in CLASSES:
        return error(said)
    targets: Any = said.targets
    return float(((said.scores - targets) ** 2).mean() / max(targets.var(), 1e-30))
