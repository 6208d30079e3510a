"""Every kind of event comes back from the record as it went in."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial import events
from seatrial.record.codec import decode, encode

_TEXT = st.text(max_size=8)
_SCALAR = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | _TEXT
_ARGUMENT = st.recursive(
    _SCALAR | st.builds(events.Ref, st.integers(0, 9), st.integers(0, 3)),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


def _strategy(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of an annotated field."""
    names = {**vars(events), "Argument": object, "Scalar": str}
    kind = eval(annotation, names) if isinstance(annotation, str) else annotation
    if kind is object:
        return _ARGUMENT
    simple = {int: st.integers(-(2**62), 2**62), float: st.floats(allow_nan=False), str: _TEXT, bool: st.booleans()}
    if kind in simple:
        return _SCALAR if annotation == "Scalar" else simple[kind]
    if dataclasses.is_dataclass(kind):
        return st.builds(kind, **{f.name: _strategy(f.type) for f in dataclasses.fields(kind)})
    text = str(kind)
    parts = kind.__args__
    if text.startswith("tuple"):
        return st.lists(_strategy(parts[0]), max_size=2).map(tuple)
    if text.startswith("dict"):
        return st.dictionaries(_TEXT.filter(lambda key: key != "$ref"), _strategy(parts[1]), max_size=2)
    return st.one_of(*(st.none() if part is type(None) else _strategy(part) for part in parts))


@pytest.mark.parametrize("kind", events.KINDS, ids=lambda kind: kind.__name__)
def test_round_trip(kind: type) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.builds(kind, **{f.name: _strategy(f.type) for f in dataclasses.fields(kind)}))
    def check(event: Any) -> None:
        if "$ref" not in str(event):
            assert decode(*encode(event)) == event

    check()


def test_nan_and_infinities_come_back() -> None:
    back = decode(*encode(events.Losses(0, (0, 1, 2), (math.nan, math.inf, -math.inf))))
    assert isinstance(back, events.Losses)
    assert math.isnan(back.values[0])
    assert back.values[1:] == (math.inf, -math.inf)


def test_an_event_of_a_later_version_is_passed_over() -> None:
    assert decode("NotYetInvented", "[]") is None
