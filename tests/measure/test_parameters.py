"""Figures of parameters and of a step, against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from seatrial.measure.parameters import before, holding, look, weight_stats


def test_weights_are_measured_as_documented() -> None:
    weight = torch.randn(5, 7)
    stats, exact = weight_stats(weight), weight.double().numpy()
    assert stats["mean"] == pytest.approx(exact.mean(), abs=1e-6)
    assert stats["std"] == pytest.approx(exact.std(), rel=1e-5)
    assert stats["norm"] == pytest.approx(np.linalg.norm(exact), rel=1e-5)
    greatest = np.abs(exact).max()
    assert stats["absmax"] == pytest.approx(greatest)
    assert stats["row_spread"] == pytest.approx(np.abs(exact - exact.mean(0)).max() / greatest, rel=1e-5)
    assert stats["column_spread"] == pytest.approx(
        np.abs(exact - exact.mean(1, keepdims=True)).max() / greatest, rel=1e-5
    )


@pytest.mark.parametrize("shape", [(4, 6), (4, 3, 5, 5)])
@pytest.mark.parametrize("value", [0.0, 0.1])
def test_equal_units_spread_by_exactly_nothing(shape: tuple[int, ...], value: float) -> None:
    stats = weight_stats(torch.full(shape, value))
    assert (stats["row_spread"], stats["column_spread"]) == (0.0, 0.0)


def test_rows_and_columns_are_told_apart() -> None:
    equal_rows = weight_stats(torch.randn(1, 6).expand(4, 6))
    assert equal_rows["row_spread"] == 0.0
    assert equal_rows["column_spread"] > 0.1
    equal_inputs = weight_stats(torch.randn(4, 1, 3, 3).expand(4, 6, 3, 3))
    assert equal_inputs["column_spread"] == 0.0
    assert equal_inputs["row_spread"] > 0.1


def test_single_units_have_no_spread() -> None:
    assert math.isnan(weight_stats(torch.randn(3))["row_spread"])
    depthwise = weight_stats(torch.randn(8, 1, 3, 3))
    assert math.isnan(depthwise["column_spread"])
    assert depthwise["row_spread"] > 0


def test_lazy_and_empty_parameters_are_left() -> None:
    assert weight_stats(torch.nn.UninitializedParameter()) == {}
    assert weight_stats(torch.empty(0)) == {}


def parameters() -> list[torch.nn.Parameter]:
    shapes = [(3, 4), (3,), (2, 3), (0,), ()]
    return [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]


def test_a_look_is_that_of_numpy() -> None:
    these = parameters()
    these[0].grad = torch.randn(3, 4)
    these[0].grad[0, :2] = 0
    these[2].grad = torch.tensor([[1.0, float("nan"), 2.0], [0.0, 0.0, float("inf")]])
    kept = before(these)
    old = [parameter.detach().clone() for parameter in these]
    with torch.no_grad():
        these[0] -= 0.1
        these[2].data = these[2] * 2
    seen = look(these, kept)
    for place, parameter in enumerate(these):
        new = parameter.detach().numpy()
        assert seen.weight_norm[place] == pytest.approx(np.linalg.norm(new.ravel()), rel=1e-5)
        assert seen.update_norm[place] == pytest.approx(
            np.linalg.norm((new - old[place].numpy()).ravel()), rel=1e-4, abs=1e-6
        )
    gradient = these[0].grad.numpy()
    assert seen.gradient_norm[0] == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    assert seen.gradient_absmax[0] == pytest.approx(np.abs(gradient).max())
    assert seen.zero_share[0] == pytest.approx(2 / 12)
    assert seen.zero_share[2] == pytest.approx(2 / 6)
    assert seen.nonfinite == (0, 0, 2, 0, 0)
    assert all(math.isnan(seen.gradient_norm[place]) for place in (1, 3, 4))


def test_a_look_takes_the_gradient_from_before_the_step() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    kept = before([weight])
    weight.grad = None
    assert look([weight], kept).gradient_norm[0] == pytest.approx(math.sqrt(3))


def test_sparse_gradients_are_measured_by_row() -> None:
    table = torch.nn.Embedding(10, 2, sparse=True)
    table(torch.tensor([1, 1, 3])).sum().backward()
    seen = look([table.weight], before([table.weight]))
    dense = table.weight.grad.to_dense().numpy()
    assert seen.gradient_norm[0] == pytest.approx(np.linalg.norm(dense))
    assert seen.gradient_absmax[0] == 2.0
    assert seen.zero_share[0] == pytest.approx(0.8)
    assert not table.weight.grad.is_coalesced()


def test_half_precision_is_summed_in_single() -> None:
    weight = torch.nn.Parameter(torch.full((100,), 300.0, dtype=torch.float16))
    weight.grad = torch.full((100,), 1e-6, dtype=torch.float16)
    seen = look([weight], before([weight]))
    assert seen.weight_norm[0] == pytest.approx(3000.0)
    assert seen.gradient_norm[0] == pytest.approx(1e-5, rel=0.1)


def test_a_look_changes_nothing() -> None:
    these = parameters()
    these[0].grad = torch.randn(3, 4)
    versions = [parameter._version for parameter in these]
    state = torch.get_rng_state()
    look(these, before(these))
    assert [parameter._version for parameter in these] == versions
    assert these[0].grad._version == 0
    assert torch.equal(torch.get_rng_state(), state)


def test_gradients_that_hold_something_are_told() -> None:
    these = parameters()[:3]
    these[0].grad = torch.zeros(3, 4)
    these[2].grad = torch.eye(2, 3)
    assert holding(these) == [False, False, True]
