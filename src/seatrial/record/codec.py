"""Events as JSON and back, driven by the dataclasses' own types."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any

from seatrial import events
from seatrial.events import Event, Ref

_KINDS: dict[str, type] = {kind.__name__: kind for kind in events.KINDS}
Decoder = Callable[[Any], Any]


def encode(event: Event) -> tuple[str, str]:
    """The kind of an event and its fields as a JSON array. nan and the infinities are kept (as JSON's usual extension)."""
    return type(event).__name__, json.dumps(_plain(event), separators=(",", ":"))


def decode(kind: str, text: str) -> Event | None:
    """The event that was encoded; None for a kind that this version does not know."""
    known = _KINDS.get(kind)
    return None if known is None else _decoder(known)(json.loads(text))


def _plain(value: Any) -> Any:
    if isinstance(value, Ref):
        return {"$ref": [value.node, value.output]}
    if dataclasses.is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return float(value)


@cache
def _decoder(kind: Any) -> Decoder:
    """How to rebuild a value of an annotated type from JSON."""
    if kind in (object, Ref):
        return _argument
    if dataclasses.is_dataclass(kind):
        return _record(typing.cast("type", kind))
    origin = typing.get_origin(kind)
    parts = typing.get_args(kind)
    if origin is tuple and parts[-1] is Ellipsis:
        item = _decoder(parts[0])
        return lambda value: tuple(item(part) for part in value)
    if origin is dict:
        item = _decoder(parts[1])
        return lambda value: {key: item(part) for key, part in value.items()}
    if origin in (typing.Union, types.UnionType):
        inner = [part for part in parts if part is not type(None) and dataclasses.is_dataclass(part)]
        if inner:
            item = _decoder(inner[0])
            return lambda value: None if value is None else item(value)
    if kind is float:
        return float
    return lambda value: value


def _record(kind: type) -> Decoder:
    # The recursive alias Argument cannot be evaluated as a type; `object` stands for it.
    names = {**vars(events), "Argument": object, "Scalar": str}
    decoders = [_decoder(eval(str(field.type), names)) for field in dataclasses.fields(kind)]

    def build(values: list[Any]) -> Any:
        # Fields that were added since the record was written keep their defaults.
        return kind(*(decoder(value) for decoder, value in zip(decoders, values, strict=False)))

    return build


def _argument(value: Any) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            return Ref(*value["$ref"])
        return {key: _argument(part) for key, part in value.items()}
    if isinstance(value, list):
        return tuple(_argument(part) for part in value)
    return value
