"""A captured step as the event that rules read: numbers and strings only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from seatrial.events import Argument, GraphSeen, Node, Place, Ref
from seatrial.step.capture import Call, Leaf, Origin, Out, cut, sources
from seatrial.step.roles import assign

LONGEST_TEXT = 120


@dataclass(frozen=True, slots=True)
class Described:
    """The event of a program, the roles of its leaves by id(), the program itself, and the index of the node that stands for
    each of its calls and leaves, by id()."""

    seen: GraphSeen
    roles: dict[int, str]
    program: list[Origin]
    numbers: dict[int, int]


def describe(
    roots: list[Out],
    *,
    tick: int,
    kind: str,
    call: int,
    model: int,
    value: float,
    place: Place | None,
    training: bool,
    predictions: list[Out],
    exits: list[Call],
) -> Described:
    """The event of the program that `roots` depend on.

    `exits` are calls that carried values out of torch (item, numpy): those whose argument depends on state are added,
    so that a rule can see where a graph was left.
    """
    program = cut(roots)
    roles = assign(program)
    present = {id(origin) for origin in program if isinstance(origin, Call)}
    leaving = [leave for leave in exits if any(id(origin) in present for origin in cut([Out(leave)]))]
    whole = sorted({id(o): o for o in (*program, *cut([Out(c) for c in leaving]))}.values(), key=lambda o: o.order)
    numbers = {id(origin): index for index, origin in enumerate(whole)}
    nodes = tuple(
        _leaf(origin, numbers[id(origin)], roles.get(id(origin), "constant"))
        if isinstance(origin, Leaf)
        else _call(origin, numbers)
        for origin in whole
    )
    seen = GraphSeen(
        tick=tick,
        kind=kind,
        call=call,
        model=model,
        nodes=nodes,
        outputs=tuple(_ref(out, numbers) for out in roots),
        predictions=tuple(_ref(out, numbers) for out in predictions if id(out.origin) in numbers),
        value=value,
        where=place,
        training=training,
    )
    return Described(seen, roles, program, numbers)


_VIEWS = frozenset(["view", "reshape", "view_as", "reshape_as"])


def _leaf(leaf: Leaf, index: int, role: str) -> Node:
    return Node(
        index=index,
        op="leaf",
        function="",
        args=(),
        kwargs={},
        outputs=(leaf.info,),
        role=role,
        name=leaf.name,
        parameter=leaf.parameter,
        origin=tuple(_history(leaf)),
        stats=leaf.stats,
        where=leaf.place,
        module=leaf.inside,
    )


def _history(leaf: Leaf, limit: int = 12) -> list[str]:
    """By which calls the user's code prepared a leaf, the last one first."""
    steps: list[str] = []
    call = leaf.made_by
    while call is not None and len(steps) < limit:
        steps.append(f"{call.op}@{call.place.line if call.place else 0}{_shapes(call)}")
        before = [out.origin for out in sources(call) if isinstance(out.origin, Call)]
        call = before[0] if before else None
    return steps


def _shapes(call: Call) -> str:
    """The shapes before and after a view, which tell what it did to the axes: ":32x50x3:32x3x50"."""
    taken = sources(call)
    if call.op not in _VIEWS or not taken or not call.outputs:
        return ""
    source = taken[0].origin
    info = source.info if isinstance(source, Leaf) else source.outputs[taken[0].number]
    return "".join(f":{'x'.join(map(str, shape))}" for shape in (info.shape, call.outputs[0].shape) if shape)


def _call(call: Call, numbers: dict[int, int]) -> Node:
    return Node(
        index=numbers[id(call)],
        op=call.op,
        function=call.name,
        args=tuple(_argument(part, numbers) for part in call.args),
        kwargs={key: _argument(part, numbers) for key, part in call.kwargs.items()},
        outputs=tuple(call.outputs),
        stats=call.stats,
        where=call.place,
        chain=call.chain,
        module=call.module,
        module_type=call.module_type,
        grad=call.grad,
        random=call.drew,
        inplace=call.inplace,
        autocast=call.autocast,
    )


def _ref(out: Out, numbers: dict[int, int]) -> Ref:
    return Ref(numbers[id(out.origin)], out.number)


def _argument(value: Any, numbers: dict[int, int]) -> Argument:
    if isinstance(value, Out):
        return _ref(value, numbers)
    if value is None or isinstance(value, (bool, int, str)):
        return value if not isinstance(value, str) else value[:LONGEST_TEXT]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple)):
        return tuple(_argument(part, numbers) for part in value[:64])
    if isinstance(value, dict):
        return {str(key): _argument(part, numbers) for key, part in value.items()}
    if isinstance(value, slice):
        return {"slice": tuple(_argument(end, numbers) for end in (value.start, value.stop, value.step))}
    if value is Ellipsis:
        return "..."
    return str(value)[:LONGEST_TEXT]
