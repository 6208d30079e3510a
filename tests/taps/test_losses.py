"""Functional losses: values of an evaluation, targets of the training, the outermost only."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional

from seatrial.events import BatchSeen
from seatrial.taps import losses


@pytest.fixture
def told() -> list[tuple[str, float, int, str]]:
    return []


class Log:
    """A log of evaluations; none is going on unless it is said."""

    def __init__(self, told: list[tuple[str, float, int, str]]) -> None:
        self.told = told
        self.targets: list[torch.Tensor] = []
        self.tracks_gradients = False

    def loss(self, name: str, value: torch.Tensor, examples: int, reduction: str) -> None:
        self.told.append((name, float(value.sum()), examples, reduction))

    def target(self, target: torch.Tensor) -> None:
        self.targets.append(target)


@pytest.fixture
def log(told: list[tuple[str, float, int, str]]) -> Log:
    return Log(told)


@pytest.fixture
def heard(listen: Callable[..., Any], log: Any) -> Any:
    return listen(lambda watch: losses.install(watch, log))


def test_losses_of_an_evaluation_are_told(heard: Any, told: list[Any]) -> None:
    with torch.no_grad():
        torch.nn.MSELoss()(torch.ones(4, 2), torch.zeros(4, 2))
        functional.l1_loss(torch.ones(3), torch.zeros(3), reduction="sum")
        functional.cross_entropy(torch.zeros(5, 2), torch.zeros(5, dtype=torch.long), None, None, -100, None, "none")
    assert told == [
        ("mse_loss", 1.0, 4, "mean"),
        ("l1_loss", 3.0, 3, "sum"),
        ("cross_entropy", pytest.approx(5 * 0.6931, abs=1e-3), 5, "none"),
    ]
    assert heard.all(BatchSeen) == []


def test_targets_of_the_training_are_sketched(heard: Any, told: list[Any]) -> None:
    heard.watch.call("forward", 7, "train grad", None)
    heard.watch.last_data = 3
    logits = torch.zeros(5, 3, requires_grad=True)
    torch.nn.CrossEntropyLoss()(logits, target=torch.tensor([0, 1, 1, 2, 1]))
    seen = heard.one(BatchSeen)
    assert (seen.role, seen.phase, seen.model, seen.data) == ("target", "training", 7, 3)
    assert seen.histogram == {"0": 1, "1": 3, "2": 1}
    assert seen.where.function == "test_targets_of_the_training_are_sketched"
    assert told == []
    heard.watch.sketching = False
    functional.mse_loss(logits, torch.zeros(5, 3))
    assert len(heard.all(BatchSeen)) == 1


def test_a_target_met_while_an_evaluation_tracks_gradients_is_none_of_the_training(heard: Any, log: Log) -> None:
    log.tracks_gradients = True
    functional.mse_loss(torch.ones(5, 3, requires_grad=True), torch.zeros(5, 3))
    assert heard.all(BatchSeen) == []
    assert [target.shape for target in log.targets] == [(5, 3)]


@pytest.mark.usefixtures("heard")
def test_a_loss_within_a_loss_is_not_told(told: list[Any]) -> None:
    functional.triplet_margin_with_distance_loss(
        torch.ones(2, 3), torch.ones(2, 3), torch.zeros(2, 3), distance_function=functional.mse_loss
    )
    assert [name for name, *_ in told] == ["triplet_margin_with_distance_loss"]


def test_errors_are_torchs_own_and_listening_goes_on(heard: Any, told: list[Any]) -> None:
    with pytest.raises(ValueError, match="Expected input batch_size"):
        functional.cross_entropy(torch.zeros(5, 2), torch.zeros(4, dtype=torch.long))
    functional.l1_loss(torch.ones(1), torch.zeros(1))
    assert [name for name, *_ in told] == ["l1_loss"]
    assert heard.watch.on


def test_a_failure_of_ours_does_not_reach_the_user(listen: Callable[..., Any]) -> None:
    def failing(*_: Any) -> None:
        raise RuntimeError("ours")

    broken: Any = SimpleNamespace(loss=failing, target=failing, tracks_gradients=False)
    heard = listen(lambda watch: losses.install(watch, broken))
    assert functional.l1_loss(torch.ones(1), torch.zeros(1)).item() == 1
    (said,) = heard.events
    assert said.why == "RuntimeError: ours"
    heard.events.clear()


@pytest.mark.usefixtures("heard")
def test_a_compiled_loss_is_computed_without_a_break() -> None:
    explained = torch._dynamo.explain(lambda value: functional.mse_loss(value * 2, value))(torch.ones(3))
    assert explained.graph_break_count == 0
