"""Events to JSON and back, driven by the types of their fields: no event needs code of its own.

An event is a JSON object of its fields. A field that has its default is left out; a nested dataclass is an object in
its turn. Where the type does not tell what a value is (an argument in a graph), a reference is {"$Ref": {...}}. Figures
that are not finite are the tokens NaN, Infinity and -Infinity, which Python's JSON reads back as they were.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any

from seatrial import events
from seatrial.events import KINDS, Argument, Event, Place, Ref

# Turns a field's value into what JSON takes, or back; None where the value is that already.
Step = Callable[[Any], Any] | None

KNOWN: dict[str, type] = {kind.__name__: kind for kind in KINDS}
_TAGGED: dict[str, type] = {"$Ref": Ref, "$Place": Place}
_AS_DICT = "$dict"  # a mapping whose own keys begin with "$"


def encode(event: Event) -> tuple[str, str]:
    """The kind of an event and its fields as JSON (ASCII only, so that no text can be refused)."""
    kind = type(event)
    return kind.__name__, _JSON.encode(_encoder(kind)(event))


def decode(kind: str, text: str) -> Event:
    """The event that `encode` was given.

    Raises:
        LookupError, ValueError, TypeError, AttributeError: the text is not what `encode` writes, or no event is of
            this kind.
    """
    return _decoder(KNOWN[kind])(json.loads(text))


_JSON = json.JSONEncoder(separators=(",", ":"))


# ---- one codec a dataclass ---------------------------------------------------------------------------------------


@cache
def _encoder(kind: type) -> Callable[[Any], dict[str, Any]]:
    hints = _hints(kind)
    fields = [(field.name, _encoding(hints[field.name]), *_default(field)) for field in dataclasses.fields(kind)]

    def to_json(record: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, step, default, default_type in fields:
            value = getattr(record, name)
            if type(value) is default_type and value == default:
                continue
            made[name] = value if step is None or value is None else step(value)
        return made

    return to_json


@cache
def _decoder(kind: type) -> Callable[[dict[str, Any]], Any]:
    hints = _hints(kind)
    steps = {field.name: _decoding(hints[field.name]) for field in dataclasses.fields(kind)}

    def from_json(made: dict[str, Any]) -> Any:
        return kind(
            **{
                name: value if value is None or (step := steps[name]) is None else step(value)
                for name, value in made.items()
            }
        )

    return from_json


def _default(field: dataclasses.Field[Any]) -> tuple[Any, type | None]:
    """A field's default and its type; None for the type where it has no default."""
    if field.default is not dataclasses.MISSING:
        return field.default, type(field.default)
    if field.default_factory is not dataclasses.MISSING:
        made = field.default_factory()
        return made, type(made)
    return None, None


def _hints(kind: type) -> dict[str, Any]:
    """Types by field. `Argument` names itself, so it cannot be expanded: it stands for what holds it as well."""
    return {
        field.name: Argument if "Argument" in str(field.type) else eval(str(field.type), dict(vars(events)))
        for field in dataclasses.fields(kind)
    }


# ---- from types to steps -----------------------------------------------------------------------------------------


def _encoding(hint: Any) -> Step:
    if hint is Argument:
        return _argument_to_json
    if dataclasses.is_dataclass(hint):
        return _encoder(typing.cast("type", hint))
    inner = _inner(hint)
    step = _encoding(inner) if inner is not None else None
    if step is None:
        return None
    return step if _is_union(hint) else _each(step, list)


def _decoding(hint: Any) -> Step:
    if hint is Argument:
        return _argument_from_json
    if dataclasses.is_dataclass(hint):
        return _decoder(typing.cast("type", hint))
    inner = _inner(hint)
    step = _decoding(inner) if inner is not None else None
    if _is_union(hint):
        return step
    if typing.get_origin(hint) is tuple:
        return tuple if step is None else _each(step, tuple)
    return None


def _each(step: Callable[[Any], Any], into: type) -> Callable[[Any], Any]:
    def over(values: Any) -> Any:
        return into([None if value is None else step(value) for value in values])

    return over


def _inner(hint: Any) -> Any:
    """The type of the parts of a tuple, or of what is not None in an optional one; None where there are no parts that
    JSON would not take as they are."""
    if typing.get_origin(hint) is tuple:
        return typing.get_args(hint)[0]
    if _is_union(hint):
        others = [each for each in typing.get_args(hint) if each is not types.NoneType]
        return others[0] if len(others) == 1 else None
    return None


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


# ---- arguments of a graph's calls --------------------------------------------------------------------------------


def _argument_to_json(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_argument_to_json(part) for part in typing.cast("list[Any]", value)]
    if isinstance(value, dict):
        made = {key: _argument_to_json(part) for key, part in typing.cast("dict[str, Any]", value).items()}
        return {_AS_DICT: made} if any(key.startswith("$") for key in made) else made
    if isinstance(value, (Ref, Place)):
        kind = type(value)
        return {f"${kind.__name__}": _encoder(kind)(value)}
    return value


def _argument_from_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_argument_from_json(part) for part in typing.cast("list[Any]", value))
    if not isinstance(value, dict):
        return value
    made = typing.cast("dict[str, Any]", value)
    if len(made) == 1:
        ((key, part),) = made.items()
        if key in _TAGGED:
            return _decoder(_TAGGED[key])(part)
        if key == _AS_DICT:
            made = part
    return {key: _argument_from_json(part) for key, part in made.items()}
