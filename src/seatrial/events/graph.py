"""One step as a graph of torch functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from seatrial.events.basis import Place, Scalar


@dataclass(frozen=True, slots=True)
class Ref:
    """An argument that is output number `output` of node `node` of the same graph."""

    node: int
    output: int = 0


Argument: TypeAlias = "Scalar | Ref | tuple[Argument, ...] | dict[str, Argument]"


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What is known of a tensor without its values."""

    shape: tuple[int, ...]
    dtype: str
    requires_grad: bool
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Node:
    """A leaf (`role` not empty) or a call of a torch function.

    op        canonical name: "linear", "conv2d", "softmax", "add", "getitem", "detach", ... whichever way it was
              written (`__add__`, `add_`, `torch.add` are "add"; `F.softmax`, `x.softmax` are "softmax"); a custom
              autograd function is "apply:ClassName"; a leaf is "leaf".
    function  the full name, e.g. "torch.nn.functional.softmax".
    role      parameter | buffer | input | target | constant | carried (a tensor with a graph from an earlier step),
              for leaves; "" for calls.
    name      of a parameter or buffer: "model.conv1.weight"; of other leaves the user's variable name if known.
    origin    of an input or target leaf: canonical ops, last one first, by which the user's code made it inside this
              step ("to", "unsqueeze", ...), as "op@line"; views with their shapes, "view@16:32x50x3:32x3x50".
    stats     of output 0 if floating: mean, std, min, max, absmax, zero_share, nonfinite, spread (mean over features of the
              std over axis 0, relative to the overall std), dead_share (share of units, axis 1 or last, that are 0 for
              all examples), sum_min and sum_max (of the sums over the last axis, and `class_sum_*` over axis 1),
              logsumexp_absmax over axis 1 (`class_`) and the last, integers (share of integral values); of the output of
              a model also answered_alike (share of examples that get the commonest class), one_sided (share of scores on
              the commoner side of zero).
    grad      gradients were enabled at the call.
    module    path of modules in which the call was made, e.g. "model.encoder.conv1"; `module_type` of the innermost.
    """

    index: int
    op: str
    function: str
    args: tuple[Argument, ...]
    kwargs: dict[str, Argument]
    outputs: tuple[TensorInfo, ...]
    role: str = ""
    name: str = ""
    parameter: int = -1
    origin: tuple[str, ...] = ()
    stats: dict[str, float] = field(default_factory=dict)
    where: Place | None = None
    chain: tuple[Place, ...] = ()
    module: str = ""
    module_type: str = ""
    grad: bool = True
    random: bool = False
    inplace: bool = False
    autocast: str = ""


@dataclass(frozen=True, slots=True)
class GraphSeen:
    """What a loss (kind "training") or a root module's output (kind "evaluation") depends on, in order of execution.

    `call`: the backward call (-1 for evaluation). `value`: of the loss. `outputs`: the loss, or the model's outputs.
    `predictions`: outputs of root modules in the graph."""

    tick: int
    kind: str
    call: int
    model: int
    nodes: tuple[Node, ...]
    outputs: tuple[Ref, ...]
    predictions: tuple[Ref, ...]
    value: float
    where: Place | None
    training: bool
