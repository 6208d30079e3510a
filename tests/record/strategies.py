"""Any event there can be, made from the types of its fields."""

import dataclasses
import types
import typing

from hypothesis import strategies as st

from seatrial import events
from seatrial.events import Place, Ref

INTEGERS = st.integers(-(2**63), 2**63)
FLOATS = st.floats(allow_nan=True, allow_infinity=True)
TEXTS = st.text(st.characters(), max_size=12)  # lone surrogates too: file names may hold them
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS
REFS = st.builds(Ref, INTEGERS, INTEGERS)
PLACES = st.builds(Place, TEXTS, INTEGERS, TEXTS)
KEYS = TEXTS | st.sampled_from(["$Ref", "$dict", "$Place"])
ARGUMENTS = st.recursive(
    SCALARS | REFS | PLACES,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
PLAIN = {int: INTEGERS, float: FLOATS, str: TEXTS, bool: st.booleans(), types.NoneType: st.none()}


def instances(kind: type) -> st.SearchStrategy:
    named = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    return st.builds(kind, **{name: _field(text) for name, text in named.items()})


def _field(annotation: str) -> st.SearchStrategy:
    if annotation == "tuple[Argument, ...]":
        return st.lists(ARGUMENTS, max_size=3).map(tuple)
    if annotation == "dict[str, Argument]":
        return st.dictionaries(KEYS, ARGUMENTS, max_size=3)
    assert "Argument" not in annotation
    return values(eval(annotation, vars(events)))


def values(hint) -> st.SearchStrategy:
    if hint in PLAIN:
        return PLAIN[hint]
    if dataclasses.is_dataclass(hint):
        return instances(hint)
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return st.lists(values(parts[0]), max_size=3).map(tuple)
    if typing.get_origin(hint) is dict:
        return st.dictionaries(TEXTS, values(parts[1]), max_size=3)
    return st.one_of([values(part) for part in parts])
