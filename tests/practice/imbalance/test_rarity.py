"""Classes are counted in every form of targets, and what the plain loss does at the start is what autograd says."""

from __future__ import annotations

import pytest
import torch
from rare import pictures, single, task
from torch import nn
from torch.nn import functional
from torch.utils.data import TensorDataset

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.imbalance.rarity import rarity, told
from seatrial.practice.imbalance.start import start


@pytest.mark.parametrize(
    ("loss", "plain"),
    [
        (nn.CrossEntropyLoss(), True),
        (lambda output, y: functional.cross_entropy(output, y), True),
        (nn.CrossEntropyLoss(label_smoothing=0.1), True),
        (nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 9.0])), False),
        (nn.CrossEntropyLoss(reduction="sum"), False),
    ],
)
def test_a_plain_loss_is_known_by_its_value(loss, plain):
    found = rarity(task(loss=loss))
    assert found.plain == plain
    assert found.counts.tolist() == [90, 20, 6]
    assert (found.rarest, found.ratio) == (2, 15)
    assert found.largest_accuracy == pytest.approx(90 / 116)


@pytest.mark.parametrize(
    ("of", "form"),
    [
        (single(nn.BCEWithLogitsLoss()), "logits"),
        (single(nn.BCELoss(), nn.Sigmoid()), "probabilities"),
        (single(lambda p, y: functional.binary_cross_entropy(p, y), nn.Sigmoid()), "probabilities"),
    ],
)
def test_one_figure_for_two_classes(of, form):
    found = rarity(of)
    assert (found.answers.single, found.answers.form, found.plain) == (True, form, True)
    assert found.counts.tolist() == [60, 8]


def test_logarithms_of_probabilities():
    of = task(loss=nn.NLLLoss())
    of = of.having(model=lambda: nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(1)))
    assert (rarity(of).answers.form, rarity(of).plain) == ("log-probabilities", True)


def test_pixels_are_counted():
    found = rarity(pictures())
    assert found.answers.kind == "segmentation" and found.classes is None and found.plain
    assert found.counts.tolist() == [24 * 30, 24 * 32, 24 * 2]
    assert start(pictures(), found) is None
    assert "48 pixels" in told(found)[0]


def test_what_has_no_classes_is_refused():
    x = torch.randn(20, 3)
    data = TensorDataset(x, x[:, :1])
    with pytest.raises(UsageProblem, match="imbalance-kind"):
        rarity(Task(lambda: nn.Linear(3, 1), nn.MSELoss(), data, validation=data))
    with pytest.raises(UsageProblem, match="imbalance-validation"):
        rarity(task().having(validation=None))
    with pytest.raises(UsageProblem, match="from 0 to 1"):
        rarity(task().having(model=lambda: nn.Linear(4, 2), loss=lambda output, y: output.sum()))


def test_equal_classes_need_no_remedy_and_missing_ones_have_none():
    assert "nothing to remedy" in told(rarity(task((30, 30, 25))))[1]
    x, y = torch.randn(60, 4), torch.arange(60) % 2
    data = TensorDataset(x, y)
    found = told(rarity(task().having(train=data, validation=data)))
    assert "no training example" in found[1]


def test_the_shares_of_the_first_step_are_those_of_the_whole_gradient():
    of = task((90, 20, 6))
    found = start(of, rarity(of))
    assert found is not None
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    x, y = of.train.tensors  # pyright: ignore[reportAttributeAccessIssue]
    losses = functional.cross_entropy(model(x), y, reduction="none")
    whole = torch.cat(
        [g.reshape(-1) for g in torch.autograd.grad(losses.mean(), model.parameters(), retain_graph=True)]
    )
    for each in range(3):
        part = (losses * (y == each)).sum() / len(y)
        assert found.loss[each] == pytest.approx(float((part / losses.mean()).detach()), rel=1e-4)
        mine = torch.cat([g.reshape(-1) for g in torch.autograd.grad(part, model.parameters(), retain_graph=True)])
        assert found.gradient[each] == pytest.approx(float(mine @ whole / (whole @ whole)), rel=1e-3, abs=1e-5)
    assert found.gradient.sum() == pytest.approx(1)
