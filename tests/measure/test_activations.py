"""Figures of an output against numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import logsumexp

from seatrial.measure.activations import tensor_stats

FLOATS = st.floats(-1e4, 1e4, width=32)
outputs = arrays.arrays(
    np.float32, arrays.array_shapes(min_dims=1, max_dims=4, max_side=6), elements=FLOATS | st.integers(-3, 3).map(float)
)


@given(outputs)
def test_figures_are_those_of_numpy(values: np.ndarray) -> None:
    stats = tensor_stats(torch.from_numpy(values), "linear", classes=True)
    exact = values.astype(np.float64)
    size = max(1e-3, float(np.abs(exact).max()))
    expected = {
        "mean": exact.mean(),
        "std": exact.std(),
        "min": exact.min(),
        "max": exact.max(),
        "absmax": np.abs(exact).max(),
        "zero_share": (exact == 0).mean(),
        "nonfinite": 0.0,
        "integers": (exact == np.trunc(exact)).mean(),
        "sum_min": exact.sum(-1).min(),
        "sum_max": exact.sum(-1).max(),
        "logsumexp_absmax": np.abs(logsumexp(exact, -1)).max(),
    }
    if exact.ndim > 1:
        expected |= {
            "class_sum_min": exact.sum(1).min(),
            "class_sum_max": exact.sum(1).max(),
            "class_logsumexp_absmax": np.abs(logsumexp(exact, 1)).max(),
        }
    for name, value in expected.items():
        assert stats[name] == pytest.approx(value, rel=1e-4, abs=1e-5 * size), name


def test_spread_tells_examples_that_are_alike() -> None:
    varied = torch.randn(64, 20)
    assert tensor_stats(varied, "linear")["spread"] == pytest.approx(
        float(varied.double().std(0, correction=0).mean() / varied.double().std(correction=0)), rel=1e-4
    )
    assert tensor_stats(torch.randn(1, 20).expand(64, 20), "linear")["spread"] == pytest.approx(0.0, abs=1e-6)
    assert tensor_stats(torch.full((64, 20), 0.1), "linear")["spread"] == 0.0
    assert math.isnan(tensor_stats(torch.randn(1, 20), "linear")["spread"])


@pytest.mark.parametrize("shape", [(16, 8), (16, 8, 5, 5), (16, 5, 8), (16, 8, 5)])
def test_dead_units_are_found_on_their_axis(shape: tuple[int, ...]) -> None:
    values = torch.rand(shape) + 0.1
    axis = shape.index(8)
    values.index_fill_(axis, torch.tensor([1, 4]), 0.0)
    assert tensor_stats(values, "relu")["dead_share"] == pytest.approx(0.25)
    assert "dead_share" not in tensor_stats(values, "linear")


def test_saturated_elements_are_counted_at_both_ends() -> None:
    values = torch.tensor([[-1.0, -0.95, -0.93, 0.0], [0.93, 0.95, 1.0, 0.5]])
    stats = tensor_stats(values, "tanh")
    assert (stats["low_share"], stats["high_share"]) == (0.25, 0.25)
    gate = tensor_stats(torch.tensor([0.0, 0.02, 0.5, 0.999]), "sigmoid")
    assert (gate["low_share"], gate["high_share"]) == (0.5, 0.25)
    clipped = tensor_stats(torch.tensor([-2.0, 0.0, 2.0, 2.0]), "hardtanh", bounds=(-2.0, 2.0))
    assert (clipped["low_share"], clipped["high_share"]) == (0.25, 0.5)


def test_what_is_not_finite_is_counted_and_the_rest_measured() -> None:
    scores = torch.zeros(4, 5)
    scores[:, 3:] = float("-inf")
    scores[0, 0] = float("nan")
    scores[1, 0] = 2.0
    stats = tensor_stats(scores, "masked_fill")
    assert stats["nonfinite"] == 9
    assert (stats["min"], stats["max"]) == (0.0, 2.0)
    assert stats["mean"] == pytest.approx(2 / 11)
    assert tensor_stats(torch.full((2,), math.inf), "div") == {"nonfinite": 2.0}


def test_log_probabilities_and_probabilities_show() -> None:
    logits = torch.randn(8, 10, 4)
    stats = tensor_stats(logits.log_softmax(1), "log_softmax", classes=True)
    assert stats["class_logsumexp_absmax"] < 1e-5
    assert stats["logsumexp_absmax"] > 0.1
    stats = tensor_stats(logits.softmax(-1), "softmax", classes=True)
    assert (stats["sum_min"], stats["sum_max"]) == (pytest.approx(1), pytest.approx(1))


def test_large_outputs_are_measured_on_an_even_sample() -> None:
    values = torch.randn(64, 8, 60, 60)
    values[5, 2, 7, 9] = 100.0
    stats = tensor_stats(values, "conv2d")
    assert stats["max"] == 100.0
    assert stats["std"] == pytest.approx(float(values.std()), rel=0.02)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.empty(0),
        torch.empty(3, device="meta"),
        torch.eye(3).to_sparse(),
        torch.zeros(2, dtype=torch.complex64),
    ],
)
def test_what_is_no_dense_real_tensor_is_left(tensor: torch.Tensor) -> None:
    assert tensor_stats(tensor, "add") == {}


def test_whole_numbers_are_measured_and_counted() -> None:
    stats = tensor_stats(torch.tensor([3, 3, 7, -1]), "leaf")
    assert (stats["min"], stats["max"], stats["mean"], stats["integers"], stats["distinct"]) == (-1, 7, 3, 1, 3)
    assert tensor_stats(torch.tensor([0.0, 1.0, 1.0]), "leaf")["distinct"] == 2
    assert tensor_stats(torch.tensor([True, True]), "leaf")["distinct"] == 1
    assert "distinct" not in tensor_stats(torch.tensor([0.0, 0.5]), "leaf")


def test_half_precision_does_not_overflow() -> None:
    assert tensor_stats(torch.full((10, 10), 6e4, dtype=torch.float16), "linear")["mean"] == pytest.approx(
        6e4, rel=1e-3
    )


def test_measuring_changes_nothing() -> None:
    values = torch.randn(8, 3, requires_grad=True).relu()
    state, copy = torch.get_rng_state(), values.detach().clone()
    tensor_stats(values, "relu", classes=True)
    assert torch.equal(torch.get_rng_state(), state)
    assert values._version == 0
    assert torch.equal(values, copy)
