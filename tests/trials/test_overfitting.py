"""The ladder is climbed by a network that can learn, and not by one whose answers cannot reach the targets."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from watching import classes, watched

from seatrial.events import Overfitted, Rung
from seatrial.rules.optimisation.cannot_overfit_subset import outcome
from seatrial.step.replay import NotReplayable, Step
from seatrial.trials.overfitting import PASSED, overfitted
from seatrial.trials.subsets import subset, with_other_targets, without_inputs


def quiet(text: str) -> None:
    return None


class Bounded(nn.Module):
    """Scores between -0.2 and 0.2."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0.2 * torch.tanh(self.inner(x))


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(8, 96), nn.Tanh(), nn.Dropout(0.5), nn.Linear(96, 4))


@cache
def ladder(make: Callable[[], nn.Module] = network) -> Overfitted:
    model = make()
    (tried,) = overfitted(watched(model, *classes()).step, 30, quiet)
    return tried


def kinds(tried: Overfitted) -> dict[tuple[int, str], Rung]:
    return {(rung.examples, rung.kind): rung for rung in tried.rungs}


def test_a_network_that_can_learn_passes_every_rung() -> None:
    tried = ladder()
    rungs = kinds(tried)
    assert list(rungs) == [
        *((size, "as it is") for size in (1, 5, 20, 24)),
        (20, "shuffled targets"),
        (20, "inputs of zero"),
    ]
    assert tried.constant == pytest.approx(math.log(4), rel=1e-6)
    for size in (1, 5, 20, 24):
        rung = rungs[size, "as it is"]
        assert rung.loss <= PASSED * tried.constant, size
        assert rung.loss == min(rung.curve)
        assert rung.steps == len(rung.curve)


def test_without_inputs_nothing_is_learned_but_how_often_each_class_comes() -> None:
    rung = kinds(ladder())[20, "inputs of zero"]
    # Rows are filled with the 20 examples again and again: the first four of them come twice, one of each class.
    assert min(rung.curve) >= math.log(4) - 1e-6
    assert rung.loss == pytest.approx(math.log(4), rel=0.01)


def test_answers_that_cannot_reach_the_targets_fail_at_the_least_loss_that_they_can_reach() -> None:
    least = math.log(1 + 3 * math.exp(-0.4))  # own score 0.2, the three others -0.2
    for (size, kind), rung in kinds(ladder(Bounded)).items():
        assert min(rung.curve) >= least - 1e-6
        if kind == "as it is" and size <= 5:
            assert rung.loss == pytest.approx(least, rel=0.01)


def test_the_script_is_left_as_it_was() -> None:
    model = network()
    step = watched(model, *classes()).step
    after, state = [p.detach().clone() for p in model.parameters()], torch.get_rng_state()
    recorded = [leaf.value.clone() for leaf in step.leaves("parameter")]
    assert len(list(overfitted(step, 10, quiet))) == 1
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(after, model.parameters(), strict=True))
    assert all(torch.equal(a, leaf.value) for a, leaf in zip(recorded, step.leaves("parameter"), strict=True))


def test_a_loss_that_has_no_best_constant_is_not_tried() -> None:
    step = watched(nn.Linear(8, 4), *classes(), loss=lambda scores, y: (scores.mean(1) * y).mean()).step
    assert list(overfitted(step, 10, quiet)) == []


def test_too_little_time_is_told() -> None:
    step = watched(network(), *classes()).step
    with pytest.raises(NotReplayable, match="too long"):
        list(overfitted(step, 1e-4, quiet))


def test_subsets_and_twins_of_a_batch() -> None:
    x, y = classes()
    step = watched(network(), x, y, loss=F.cross_entropy).step
    leaves = Step(step.program, step.roots, step.roles)
    data = {step.roles[id(leaf)]: at for at, leaf in enumerate(leaves.leaves) if not leaf.state}
    values = subset(step, leaves, 5)
    again = torch.arange(24) % 5
    assert torch.equal(values[data["input"]], x[again])
    assert torch.equal(values[data["target"]], y[again])
    with_other_targets(step, leaves, values, 5)
    assert torch.equal(values[data["input"]], x[again])
    assert sorted(values[data["target"]][:5].tolist()) == sorted(y[:5].tolist())
    assert torch.equal(values[data["target"]][:20], values[data["target"]][:5].repeat(4))
    assert not torch.equal(values[data["target"]], y[again])
    without_inputs(step, leaves, values)
    assert not values[data["input"]].any()


class Rebuilding(nn.Module):
    """Answers between 0 and 1, as many as there are inputs; `open`: they can take any such value."""

    def __init__(self, open_to_all: bool = True) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 8))
        self.open_to_all = open_to_all

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.inner(x)
        return torch.sigmoid(scores if self.open_to_all else scores.mean(1, keepdim=True).expand(scores.shape))


def shades() -> torch.Tensor:
    """Examples of eight shades of grey, none of them black or white."""
    return 0.2 + 0.6 * torch.rand(24, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", ["shades of grey", "probabilities", "smoothed labels"])
def test_what_uncertain_targets_leave_to_every_answer_is_not_held_against_the_network(kind: str) -> None:
    x, y = classes()
    soft = F.one_hot(y, 4).float() * 0.5 + 0.125
    model, least = network(), -(soft * soft.log()).sum(1).mean()
    if kind == "shades of grey":
        x = shades()
        model, least = Rebuilding(), F.binary_cross_entropy(x, x)
        plan = watched(model, x, x.clone(), loss=F.binary_cross_entropy)
    elif kind == "probabilities":
        plan = watched(model, x, soft)
    else:
        plan = watched(model, x, y, loss=nn.CrossEntropyLoss(label_smoothing=0.5))
    (tried,) = overfitted(plan.step, 30, quiet)
    assert tried.least == pytest.approx(least.item(), rel=1e-5)
    for rung in tried.rungs:
        if rung.kind == "as it is":
            assert rung.loss >= rung.least - 1e-5
            assert outcome(rung, tried) == "passed"


def test_a_network_that_stays_above_what_uncertain_targets_leave_has_failed() -> None:
    x = shades()
    (tried,) = overfitted(
        watched(Rebuilding(open_to_all=False), x, x.clone(), loss=F.binary_cross_entropy).step, 30, quiet
    )
    assert [outcome(rung, tried) for rung in tried.rungs if rung.kind == "as it is"] == ["failed"] * 4


class Sampling(nn.Module):
    """Answers that lie around what was learned."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = self.inner(x)
        return scores + torch.randn_like(scores)


def test_what_a_network_draws_at_random_cannot_be_learned_by_heart() -> None:
    step = watched(Sampling(), *classes()).step
    with pytest.raises(NotReplayable, match="random numbers"):
        list(overfitted(step, 10, quiet))
