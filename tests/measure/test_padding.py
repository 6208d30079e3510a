"""Padding is told from data by where it stands."""

from __future__ import annotations

import pytest
import torch

from seatrial.measure.padding import padding


def test_ends_of_rows_are_found_and_measured() -> None:
    tokens = torch.tensor([[5, 6, 7, 8], [5, 9, 0, 0], [9, 0, 0, 0], [0, 3, 4, 0]])
    assert padding(tokens) == {
        "pad_value": 0.0,
        "padded_rows": 0.75,
        "pad_share": 6 / 16,
        "pad_lengths": 4.0,
        "pad_inside": pytest.approx(1 / 7),
    }


def test_a_row_that_is_all_padding_counts_whole() -> None:
    assert padding(torch.full((2, 5), -100))["pad_share"] == 1.0


def test_frames_of_zeros_at_the_end_are_padding() -> None:
    frames = torch.ones(4, 6, 3)
    frames[0, 4:] = 0
    frames[1, 2:] = 0
    frames[2, 0] = 0
    seen = padding(frames)
    assert (seen["padded_rows"], seen["pad_share"], seen["pad_lengths"]) == (0.5, 6 / 24, 3.0)
    assert seen["pad_inside"] == pytest.approx(1 / 7)


@pytest.mark.parametrize(
    "tensor", [torch.rand(4, 6, 3), torch.rand(4, 6), torch.arange(4), torch.ones(2, 3, dtype=torch.long)]
)
def test_no_sequence_or_no_end_has_no_padding(tensor: torch.Tensor) -> None:
    assert padding(tensor) == {}
