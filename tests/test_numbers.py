"""Figures are short, and say what they say."""

import math

import pytest

from seatrial.numbers import counted, decimal, figure, percent, seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.123456, "0.1235"),
        (12345.678, "12346"),
        (1234567.0, "1.235e6"),
        (0.00012344, "1.234e-4"),
        (-2e-16, "-2e-16"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_floats(value: float, text: str) -> None:
    assert decimal(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1.87e10, 3, "1.87e10"),
        (1e-5, 6, "1e-5"),
        (3e20, 1, "3e20"),
        (0.0316, 1, "0.03"),
        (99999.6, 3, "100000"),
        (128009.0, 6, "128009"),
        (1.23456789e-9, 9, "1.23456789e-9"),
    ],
)
def test_as_many_digits_as_are_asked_for(value: float, digits: int, text: str) -> None:
    assert decimal(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (9999, "9999"),
        (123456, "123,456"),
        (None, "-"),
        ("softmax", "softmax"),
        ([64, 6, 1], "[64, 6, 1]"),
        (["BatchNorm1d", "Dropout"], "BatchNorm1d, Dropout"),
        ({"train": 0.5, "val": 2.0}, "train: 0.5, val: 2"),
    ],
)
def test_figures_of_any_kind(value: object, text: str) -> None:
    assert figure(value) == text


def test_words_around_figures() -> None:
    assert [counted(number, "error") for number in (0, 1, 2)] == ["no errors", "1 error", "2 errors"]
    assert [seconds(value) for value in (0.012, 2.34, 300.0)] == ["12 ms", "2.3 s", "5.0 min"]
    assert [percent(value) for value in (0, 0.0123, 0.5)] == ["0 %", "1.2 %", "50 %"]
    assert percent(0.1234, 1) == "12.3 %"
