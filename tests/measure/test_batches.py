"""Sketches of batches against numpy, and what a hash of an example must and must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seatrial.measure.batches import row_hashes, sketch

FLOATS = st.floats(-1e6, 1e6, width=32)
matrices = arrays.arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 30)), elements=FLOATS)


def hashes(tensor: torch.Tensor) -> tuple[int, ...]:
    return row_hashes(tensor.reshape(len(tensor), -1), tuple(tensor.shape[1:]))


@given(matrices)
def test_figures_are_those_of_numpy(values: np.ndarray) -> None:
    seen = sketch(torch.from_numpy(values))
    assert seen is not None
    exact = values.astype(np.float64)
    size = max(1e-3, float(np.abs(exact).max()))
    expected = {
        "mean": exact.mean(),
        "std": exact.std(),
        "min": exact.min(),
        "max": exact.max(),
        "nonfinite": 0.0,
        "smallest_feature_std": exact.std(0).min(),
        "largest_feature_std": exact.std(0).max(),
        "feature_mean_max": np.abs(exact.mean(0)).max(),
    }
    for name, value in expected.items():
        assert seen.stats[name] == pytest.approx(value, rel=1e-4, abs=1e-6 * size), name
    np.testing.assert_allclose(seen.feature_means, exact.mean(0), rtol=1e-4, atol=1e-6 * size)
    np.testing.assert_allclose(seen.feature_stds, exact.std(0), rtol=1e-4, atol=1e-6 * size)


def test_features_that_do_not_vary_are_counted() -> None:
    values = torch.randn(32, 10)
    values[:, :4] = torch.tensor([0.0, 0.1, 255.0, -3.3])
    seen = sketch(values)
    assert seen is not None
    assert seen.stats["constant_share"] == pytest.approx(0.4)


def test_what_is_not_finite_is_counted_and_the_rest_measured() -> None:
    values = torch.tensor([[1.0, float("nan")], [3.0, float("-inf")]])
    seen = sketch(values)
    assert seen is not None
    assert seen.stats["nonfinite"] == 2
    assert (seen.stats["min"], seen.stats["max"], seen.stats["mean"]) == (1.0, 3.0, 2.0)
    nothing_finite = sketch(torch.full((3, 2), float("nan")))
    assert nothing_finite is not None
    assert nothing_finite.stats == {"nonfinite": 6.0}


def test_great_values_do_not_overflow() -> None:
    seen = sketch(torch.tensor([[1e30], [-1e30]]))
    assert seen is not None
    assert seen.stats["std"] == pytest.approx(1e30)


@pytest.mark.parametrize(
    ("values", "histogram"),
    [
        (torch.tensor([0, 2, 2, 1, 2]), {"0": 1, "1": 1, "2": 3}),
        (torch.tensor([[-100, 3], [3, -100]]), {"-100": 2, "3": 2}),
        (torch.tensor([0, 10**12, 0]), {"0": 2, "1000000000000": 1}),
        (torch.tensor([True, False, True]), {"0": 1, "1": 2}),
        (torch.tensor([5, 6], dtype=torch.uint8), {"5": 1, "6": 1}),
        (torch.arange(65), {}),
        (torch.arange(0, 10**6, 1000), {}),
        (torch.tensor([0.0, 1.0]), {}),
    ],
)
def test_classes_of_integers_are_counted(values: torch.Tensor, histogram: dict[str, int]) -> None:
    seen = sketch(values)
    assert seen is not None
    assert seen.histogram == histogram


def test_floating_whole_numbers_are_counted_but_have_no_histogram() -> None:
    seen = sketch(torch.tensor([[0.0], [2.0], [2.0]]))
    assert seen is not None
    assert (seen.stats["integers"], seen.stats["distinct"], seen.histogram) == (1.0, 2.0, {})
    mixed = sketch(torch.tensor([[0.5], [2.0]]))
    assert mixed is not None
    assert mixed.stats["integers"] == 0.5
    assert "distinct" not in mixed.stats


def test_a_sketch_leaves_numbers_graphs_and_values_alone() -> None:
    values = torch.randn(8, 3, requires_grad=True)
    doubled = values * 2
    state, version, copy = torch.get_rng_state(), doubled._version, doubled.detach().clone()
    sketch(doubled)
    assert torch.equal(torch.get_rng_state(), state)
    assert doubled._version == version
    assert torch.equal(doubled, copy)


@pytest.mark.parametrize("tensor", [torch.empty(0, 3), torch.tensor(3.0), torch.zeros(2, dtype=torch.complex64)])
def test_odd_shapes_and_types_are_sketched(tensor: torch.Tensor) -> None:
    seen = sketch(tensor)
    assert seen is not None
    assert seen.shape == tuple(tensor.shape)


def test_what_cannot_be_read_is_left() -> None:
    assert sketch(torch.empty(3, device="meta")) is None
    assert sketch(torch.eye(3).to_sparse()) is None


def test_large_batches_are_measured_on_an_even_sample() -> None:
    values = torch.randn(3000, 2000) * torch.arange(1, 2001) + 7
    seen = sketch(values)
    assert seen is not None
    assert seen.stats["mean"] == pytest.approx(float(values.mean()), abs=10)
    assert seen.stats["std"] == pytest.approx(float(values.std()), rel=0.02)
    assert (seen.stats["min"], seen.stats["max"]) == (float(values.min()), float(values.max()))
    assert len(seen.feature_means) <= 256
    assert len(seen.rows) == 512


DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 7, 64, 1024, 1025, 5000, 40000])
def test_a_hash_is_that_of_the_example_alone(dtype: torch.dtype, width: int) -> None:
    values = (torch.randn(12, width) * 50).to(dtype)
    everywhere = hashes(values)
    order = torch.randperm(12)
    assert hashes(values[order]) == tuple(everywhere[place] for place in order.tolist())
    assert hashes(values[3:4]) == everywhere[3:4]
    assert hashes(values.t().contiguous().t()) == everywhere
    assert all(0 <= value < 2**63 for value in everywhere)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [64, 1024, 2048, 9000])
def test_examples_that_differ_in_one_place_have_different_hashes(dtype: torch.dtype, width: int) -> None:
    """One-hot rows are the hardest: few bits of a pattern, all else 0."""
    step = max(1, width // 1024)
    ones = torch.zeros(len(range(0, width, step)) + 1, width, dtype=dtype)
    ones[torch.arange(len(ones) - 1), torch.arange(0, width, step)] = 1
    assert len(set(hashes(ones))) == len(ones)


def test_many_sparse_examples_do_not_collide() -> None:
    generator = torch.Generator().manual_seed(0)
    bags = (torch.rand(20000, 200, generator=generator) < 0.02).float()
    assert len(set(hashes(bags))) == len(torch.unique(bags, dim=0))


def test_shape_and_dtype_are_part_of_a_hash_but_not_axes_of_length_one() -> None:
    zeros = torch.zeros(1, 4, 4)
    assert hashes(zeros) != hashes(zeros.reshape(1, 16))
    assert hashes(zeros) != hashes(zeros.double())
    assert hashes(zeros) == hashes(zeros.unsqueeze(1))


def test_a_hash_stays_the_same_from_run_to_run() -> None:
    assert hashes(torch.arange(6.0).reshape(2, 3)) == (6832742474652825886, 8126106168486762383)
