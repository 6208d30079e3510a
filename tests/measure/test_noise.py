"""The share of signal and the noise scale are those of the covariance of single examples' gradients."""

import math

import pytest
import torch

from seatrial.measure.noise import noise_scale, signal
from seatrial.measure.parameters import inner


@pytest.mark.parametrize("batch", [4, 16, 64])
def test_the_noise_scale_is_trace_over_squared_mean(batch: int) -> None:
    """Linear regression in 300 dimensions, whose gradients of single examples are all known."""
    generator = torch.Generator().manual_seed(batch)
    x = torch.randn(2000, 300, generator=generator, dtype=torch.float64)
    y = x @ torch.randn(300, generator=generator, dtype=torch.float64) + torch.randn(2000, generator=generator)
    gradients = -2 * y[:, None] * x  # at weights of 0
    mean = gradients.mean(0)
    exact = float((gradients - mean).square().sum(1).mean() / mean.square().sum())
    pairs = []
    for _ in range(200):
        g, h = (gradients[torch.randint(2000, (batch,), generator=generator)].mean(0) for _ in range(2))
        pairs.append(inner([g[:100], g[100:]], [h[:100], h[100:]]).tolist())
    found = signal([dot for dot, _, _ in pairs], [(a + b) / 2 for _, a, b in pairs])
    low, high = found.interval
    assert low < 1 / (1 + exact / batch) < high
    if batch > 4:  # where there is enough signal to tell
        assert noise_scale(found.share, batch) == pytest.approx(exact, rel=0.15)


def test_inner_is_that_of_the_parts_joined() -> None:
    first, second = [torch.randn(3, 4), torch.randn(5)], [torch.randn(3, 4), torch.randn(5)]
    g, h = (torch.cat([part.reshape(-1) for part in parts]).double() for parts in (first, second))
    assert inner(first, second).tolist() == pytest.approx([float(g @ h), float(g @ g), float(h @ h)])


def test_equal_gradients_hold_no_noise_and_opposite_ones_no_signal() -> None:
    assert noise_scale(signal([1.0, 2.0], [1.0, 2.0]).share, 32) == 0
    assert noise_scale(signal([-1.0, -2.0], [1.0, 2.0]).share, 32) == math.inf


def test_what_is_not_finite_is_left_out() -> None:
    assert signal([math.nan, 1.0, 0.0], [1.0, 2.0, 0.0]).pairs == 1
    assert math.isnan(signal([], []).share)


def test_the_interval_is_students() -> None:
    """Three shares with mean 2 and deviation 1: 2 +- 4.303 / sqrt(3), cut at 1."""
    assert signal([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]).interval == (pytest.approx(2 - 4.303 / math.sqrt(3), abs=0.01), 1.0)
    assert signal([0.5], [1.0]).interval == (-math.inf, 1.0)
