"""The captured program of a step: calls and leaves that refer to each other, and keep no user tensor alive.

A `Call` refers to what it took by `Out(origin, number)`. Nothing refers forward, so that what no later result depends on
vanishes as soon as the user's tensors do, as autograd's own graph does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from seatrial.events import Place, TensorInfo
from seatrial.step.generators import States


@dataclass(slots=True, eq=False)
class Leaf:
    """A tensor that came from outside of what was captured.

    `value` is a copy from the moment at which it entered the network or the loss (None if values are not kept).
    `state`: parameter | buffer | "" (data). `carried`: it has a graph of an earlier step. `inside`: path of the module that
    used it first. `made_by`: the call of the user's code, outside of modules, that prepared it. `sketch`: of a batch.
    `depth`: nodes of the graph that a carried one brings along; `built_on`: a gradient can flow to it from what was made.
    """

    order: int
    info: TensorInfo
    state: str
    parameter: int
    stats: dict[str, float]
    value: Any = None
    place: Place | None = None
    name: str = ""
    carried: bool = False
    inside: str = ""
    made_by: Call | None = None
    entered: bool = False
    sketch: Any = None
    depth: int = 0
    built_on: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """A call of a torch function. `args` and `kwargs` hold `Out` where the user's call had tensors.

    `after` are calls that changed the memory which this one reads; `generator` is the state of the random generators
    before the call, where it may draw; `device` the default device, where it makes tensors of none; `changes` numbers of arguments (in flat order) that the call altered in place.
    """

    order: int
    function: Any
    name: str
    op: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    place: Place | None
    chain: tuple[Place, ...]
    module: str
    module_type: str
    grad: bool
    autocast: str
    inplace: bool
    outputs: list[TensorInfo] = field(default_factory=list)
    results: int = 0
    changed: tuple[Out, ...] = ()
    after: tuple[Call, ...] = ()
    generator: States | None = None
    drew: bool = False
    stats: dict[str, float] = field(default_factory=dict)
    stateful: bool = False
    inside_root: bool = False
    training: bool = True
    device: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Out:
    """Output `number` of a call (results first, then arguments that it changed), or a leaf (number 0)."""

    origin: Origin
    number: int = 0


Origin: TypeAlias = "Leaf | Call"


def outs(value: Any) -> list[Out]:
    """All references in a (nested) argument, in order."""
    if isinstance(value, Out):
        return [value]
    if isinstance(value, (list, tuple)):
        return [out for part in value for out in outs(part)]
    if isinstance(value, dict):
        return [out for part in value.values() for out in outs(part)]
    if isinstance(value, slice):
        return outs((value.start, value.stop, value.step))
    return []


def sources(call: Call) -> list[Out]:
    """What a call takes: its arguments' references."""
    return outs(call.args) + outs(call.kwargs)


def cut(roots: list[Out]) -> list[Origin]:
    """The captured program that the roots depend on, in the order of its execution (leaves before their use)."""
    found: dict[int, Origin] = {}
    todo: list[Origin] = [root.origin for root in roots]
    while todo:
        origin = todo.pop()
        if id(origin) in found:
            continue
        found[id(origin)] = origin
        if isinstance(origin, Call):
            todo.extend(out.origin for out in sources(origin))
            todo.extend(origin.after)
    return sorted(found.values(), key=lambda origin: origin.order)
