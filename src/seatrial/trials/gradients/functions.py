"""Modules, callables and custom autograd functions as pure functions of float64 tensors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.func import functional_call
from torch.utils._pytree import tree_flatten, tree_unflatten

from seatrial.trials.gradients.conditions import InDouble, undisturbed
from seatrial.trials.gradients.evaluation import Function, NotCheckable, Values


@dataclass(frozen=True, slots=True)
class Subject:
    """Something whose gradients can be checked: a pure function of `values`, of which `wanted` are checked."""

    function: Function
    values: Values
    wanted: list[int]
    names: list[str]


def of_callable(function: Callable[..., Any], inputs: tuple[Any, ...], only_wanted: bool = False) -> Subject:
    """A callable on inputs, which may be nested in lists, tuples and dicts and hold anything beside tensors.

    Checked are floating inputs that require a gradient; where none does, all of them (none with `only_wanted`). The
    parameters of a module that require one are checked too.

    Raises:
        NotCheckable: where no floating tensor is to be checked.
    """
    flat, spec = tree_flatten(inputs)
    at = [i for i, value in enumerate(flat) if isinstance(value, torch.Tensor) and value.is_floating_point()]
    marked = [i for i in at if flat[i].requires_grad]
    checked = marked or ([] if only_wanted else at)
    module = function if isinstance(function, torch.nn.Module) else None
    parameters = {k: p for k, p in module.named_parameters() if p.is_floating_point()} if module is not None else {}
    buffers = dict(module.named_buffers()) if module is not None else {}
    given = [*(flat[i] for i in at), *parameters.values()]
    values, kinds = [_double(tensor) for tensor in given], [tensor.dtype for tensor in given]
    numbers = [n for n, i in enumerate(at) if i in checked]
    numbers += [len(at) + n for n, parameter in enumerate(parameters.values()) if parameter.requires_grad]
    if not numbers:
        raise NotCheckable("no floating tensor of it requires a gradient")

    def pure(values: Values, double: bool = True) -> tuple[torch.Tensor, ...]:
        own = [value if double else value.to(kind) for value, kind in zip(values, kinds, strict=True)]
        leaves = [value.clone() if isinstance(value, torch.Tensor) else value for value in flat]
        for number, i in enumerate(at):
            leaves[i] = own[number]
        arguments: Any = tree_unflatten(leaves, spec)
        with InDouble() if double else nullcontext():
            if module is None:
                return floating(function(*arguments))
            state = {key: _double(buffer) if double else buffer.clone() for key, buffer in buffers.items()}
            state |= dict(zip(parameters, own[len(at) :], strict=True))
            return floating(functional_call(module, state, tuple(arguments)))

    if not _works(pure, values):
        pure = partial(pure, double=False)
    return Subject(pure, values, numbers, [f"input {i}" for i in at] + list(parameters))


def _works(function: Function, values: Values) -> bool:
    """Whether a function can be computed in float64. One that holds tensors of its own in float32 cannot."""
    try:
        with undisturbed(), torch.no_grad():
            function([value.clone() for value in values])
    except RuntimeError as error:
        if "dtype" in str(error) or "scalar type" in str(error):
            return False
        raise
    return True


def floating(result: Any) -> tuple[torch.Tensor, ...]:
    """The floating tensors in a nested result.

    Raises:
        NotCheckable: where there is none.
    """
    flat, _ = tree_flatten(result)
    found = tuple(each for each in flat if isinstance(each, torch.Tensor) and each.is_floating_point())
    if not found:
        raise NotCheckable("it returns no floating tensor")
    return found


def _double(tensor: torch.Tensor) -> torch.Tensor:
    copy = tensor.detach().clone()
    return copy.double() if copy.is_floating_point() else copy
