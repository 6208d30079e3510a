"""What makes two tasks the same for a folder of trainings that is gone on with: their models, losses and optimizers, as far as they can be
told apart from outside."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from types import CodeType
from typing import Any

from torch import nn

from seatrial.practice.task import Task
from seatrial.practice.unchanged import seed, unchanged

_PLAIN = (bool, int, float, str, tuple, list, type(None))
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def identity(task: Task) -> dict[str, Any]:
    """Plain values that are the same in another process for the same task, and others for another model, loss, optimizer, rate or size of
    batches. The code that a model runs is not looked into: its layers and parameters are.

    Raises:
        UsageProblem: the task's factories make something else.
    """
    with unchanged():
        seed(0)
        made = task.make()
    group = made.optimizer.param_groups[0]
    settings = sorted((key, value) for key, value in group.items() if isinstance(value, _PLAIN) and key != "lr")
    shapes = [(name, tuple(each.shape)) for name, each in made.model.named_parameters()]
    return {
        "model": f"{type(made.model).__name__} of {sum(each.numel() for each in made.model.parameters())} parameters, "
        + _digest(repr(shapes), _modules(made.model, of="torch.")),
        "loss": _function(task.loss),
        "optimizer": f"{type(made.optimizer).__name__} {_digest(_words(settings))}",
        "rate": float(group["lr"]),
        "batch_size": task.batch_size,
    }


def _function(function: Any) -> str:
    """A name for people, and a digest of what it computes: code, default values, buffers such as the weights of classes."""
    if isinstance(function, partial):
        return f"{_function(function.func)} with {_digest(_words(function.args), _words(function.keywords))}"
    if isinstance(function, nn.Module):
        state = [(name, each.tolist()) for name, each in function.state_dict().items()]
        return f"{type(function).__name__} {_digest(_modules(function), repr(state))}"
    name = getattr(function, "__qualname__", type(function).__qualname__)
    code = getattr(function, "__code__", None)
    if code is None:
        return f"{name} {_digest(_words(function))}"
    return f"{name} {_digest(*_code(code), _words(function.__defaults__))}"


def _modules(module: nn.Module, of: str = "") -> str:
    """The class of each module within, and its plain attributes: what it prints leaves some of them out (`label_smoothing`).

    Args:
        of: attributes count of classes from a module whose name begins so. What a network of the user's keeps besides its layers may be
            anything, such as a time, and would keep the same task from going on.
    """
    found = [
        (
            name,
            type(each).__name__,
            sorted(
                (key, _words(value))
                for key, value in vars(each).items()
                if isinstance(value, _PLAIN) and type(each).__module__.startswith(of)
            ),
        )
        for name, each in module.named_modules()
    ]
    return repr([(name, kind, [pair for pair in pairs if pair[0] != "training"]) for name, kind, pairs in found])


def _code(code: CodeType) -> list[str]:
    """What is computed, wherever in a file it stands."""
    found = [code.co_code.hex(), repr(code.co_names)]
    for each in code.co_consts:
        found += _code(each) if isinstance(each, CodeType) else [_words(each)]
    return found


def _words(value: Any) -> str:
    if isinstance(value, frozenset):  # its order is another one in each process
        return repr(sorted(map(repr, value)))
    return _ADDRESS.sub("", repr(value))


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
