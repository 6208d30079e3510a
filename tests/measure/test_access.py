"""What is kept of a tensor to be read later."""

from __future__ import annotations

import math
from typing import Any

import torch

from seatrial.measure.access import kept, read_later


class Elsewhere(torch.Tensor):
    """Says that it lies on a device."""

    @property
    def is_cpu(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return False


def test_numbers_are_read_at_once_where_no_device_has_to_be_waited_for() -> None:
    assert kept(torch.tensor([0.1], dtype=torch.float64)) == 0.1


def test_what_a_script_goes_on_to_change_is_read_as_it_was() -> None:
    total: Any = torch.tensor([1.5]).as_subclass(Elsewhere)
    value = kept(total)
    assert isinstance(value, torch.Tensor)
    total += 1
    assert read_later([value]) == [1.5]


def test_numbers_of_several_kinds_are_read_exactly_and_in_their_order() -> None:
    large = 2**53 - 1
    values = [torch.tensor(0.1), 2.5, torch.tensor(large), torch.tensor(0.1, dtype=torch.float64), torch.tensor(3.0)]
    assert read_later(values) == [torch.tensor(0.1).item(), 2.5, float(large), 0.1, 3.0]


def test_what_cannot_be_read_any_more_is_no_number_and_spoils_no_other() -> None:
    found = read_later([torch.tensor(1.0), torch.zeros((), device="meta"), 2.0])
    assert found[0] == 1.0
    assert math.isnan(found[1])
    assert found[2] == 2.0
