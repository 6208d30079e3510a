"""Roughness is 1 for independent weights of any kind, and less for what is smooth."""

import base64
import math

import numpy as np
import pytest
import torch

from seatrial.measure.filters import picture, roughness, shown


@pytest.mark.parametrize("shape", [(64, 3, 7, 7), (200, 1, 3, 3), (128, 1, 28, 28), (300, 2, 2, 5)])
@pytest.mark.parametrize("draw", [torch.nn.init.normal_, torch.nn.init.uniform_, torch.nn.init.kaiming_uniform_])
def test_weights_as_they_are_drawn_have_a_roughness_of_1(shape: tuple[int, ...], draw) -> None:
    torch.manual_seed(0)
    found = roughness(draw(torch.empty(shape)))
    assert abs(found.ratio - 1) < 4 * found.error
    assert found.error < 0.1


def test_roughness_is_von_neumanns_ratio() -> None:
    values = np.random.default_rng(0).normal(size=(5, 2, 4, 6)).cumsum(3)
    differences = varying = 0.0
    for weights in values:
        for channel in weights:
            steps = [*np.diff(channel, axis=0).ravel(), *np.diff(channel, axis=1).ravel()]
            differences += np.mean(np.square(steps))
            varying += 2 * np.var(channel, ddof=1)
    assert roughness(torch.tensor(values)).ratio == pytest.approx(differences / varying)


def test_smooth_filters_are_smooth_whatever_their_scale_and_offset() -> None:
    across = torch.linspace(0, 3, 16)
    waves = torch.stack([torch.sin(across + phase)[:, None] * torch.cos(across)[None] for phase in range(8)])[:, None]
    found = roughness(waves)
    assert found.ratio < 0.1
    assert roughness(1e-3 * waves + 5).ratio == pytest.approx(found.ratio, rel=1e-3)
    board = (torch.arange(8)[:, None] + torch.arange(8)[None]) % 2 * 1.0
    assert roughness(board.expand(3, 1, 8, 8)).ratio == pytest.approx(2, rel=0.02)


def test_the_error_is_the_spread_over_networks() -> None:
    generator = torch.Generator().manual_seed(0)
    found = [roughness(torch.randn(32, 1, 5, 5, generator=generator)) for _ in range(300)]
    spread = float(np.std([each.ratio for each in found]))
    assert np.mean([each.error for each in found]) == pytest.approx(spread, rel=0.1)


def test_where_there_are_no_neighbours_or_no_variation_there_is_no_roughness() -> None:
    assert math.isnan(roughness(torch.randn(8, 3, 1, 1)).ratio)
    assert math.isnan(roughness(torch.ones(8, 3, 5, 5)).ratio)


def test_a_picture_holds_each_weight_in_a_byte() -> None:
    filters = torch.tensor([[[[0.0, 2.0], [-2.0, 1.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    assert list(base64.b64decode(picture(filters))) == [128, 255, 1, 192, 128, 128, 128, 128]
    assert picture(torch.full((1, 1, 2, 2), math.inf)) == ""


@pytest.mark.parametrize("shape", [(64, 3, 7, 7), (4096, 1, 28, 28), (100, 3, 224, 224), (8, 1, 3, 3)])
def test_pictures_stay_small(shape: tuple[int, ...]) -> None:
    kept = shown(*shape)
    assert len(kept) <= 64
    assert len(kept) * math.prod(shape[1:]) <= 12_288
    assert (len(kept) == 0) == (math.prod(shape[1:]) > 12_288)
