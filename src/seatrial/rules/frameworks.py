"""Where a framework runs the loop: what the program's author has handed to it, by the line at which it is set going.

`trainer.train()` is all that the program itself shows of a training by the Trainer of transformers; its learning rate and its
data were given to the constructor of `trainer`, or to that of the constructor's arguments.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import islice

from seatrial.events import Place
from seatrial.history import Run
from seatrial.rules.resolve import Resolver
from seatrial.rules.syntax import File, tail

# Constructors are followed into those of their arguments so many times; so many are told at most.
DEEPEST = 3
MOST = 40
# What frameworks call the arguments of torch's own classes, where it is not the same word.
_CALLED = {
    "lr": ("learning_rate",),
    "max_norm": ("max_grad_norm", "gradient_clip_val", "gradient_clip_value"),
    "batch_size": ("per_device_train_batch_size",),
}
_TRAINING = re.compile(r"(?=.*train)(?=.*(data|set|loader|features))", re.IGNORECASE)


def constructors(files: list[File], file: File, call: ast.Call) -> Iterator[tuple[File, ast.Call]]:
    """The calls that made the object whose method is called, then those that made their arguments, outermost first."""
    if not isinstance(call.func, ast.Attribute):
        return
    todo: list[tuple[File, ast.expr]] = [(file, call.func.value)]
    seen: set[int] = {id(call)}
    for _ in range(DEEPEST):
        made = [each for owner, part in todo for each in _made(files, owner, part) if id(each[1]) not in seen]
        seen |= {id(each) for _, each in made}
        yield from made
        todo = [(owner, part) for owner, each in made for part in _arguments(each)]


def given(call: ast.Call, argument: str) -> ast.expr | None:
    """What a call to a framework gives to an argument of torch's, under whatever name: `learning_rate=`, `optimizer__lr=`."""
    names = (argument, *_CALLED.get(argument, ()))
    for each in call.keywords:
        if each.arg is not None and (each.arg in names or each.arg.rpartition("__")[2] == argument):
            return each.value
    return None


def training_data(call: ast.Call) -> ast.expr | None:
    """What a call to a framework gives it to train on, by the keyword's name: `train_dataset=`, `train_dataloaders=`."""
    return next((each.value for each in call.keywords if each.arg and _TRAINING.search(each.arg)), None)


def naming(call: ast.Call, name: str) -> bool:
    """Whether a call is of a class, or is given it or its name: `LRScheduler("StepLR")`."""
    parts: list[ast.expr] = [call.func, *call.args, *(each.value for each in call.keywords)]
    return any(tail(part) == name or (isinstance(part, ast.Constant) and part.value == name) for part in parts)


def is_direct(run: Run, place: Place | None, method: str) -> bool:
    """Whether a line itself calls a method: not a framework that it has set going."""
    return place is not None and re.search(rf"\b{method}\s*\(", run.line(place)) is not None


def runs_the_loop(run: Run, place: Place | None) -> bool:
    """Whether a line sets a framework going that makes the training steps, backward passes and all."""
    if place is None or "backward" in run.line(place):
        return False
    return any(call.where is not None and same_line(call.where, place) for call in run.calls_of("backward"))


def same_line(one: Place, other: Place) -> bool:
    return (one.file, one.line) == (other.file, other.line)


def _made(files: list[File], file: File, part: ast.expr) -> list[tuple[File, ast.Call]]:
    values = islice(Resolver(files).values(file, part), MOST)
    return [(value.file, value.node) for value in values if isinstance(value.node, ast.Call)]


def _arguments(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call, and what lists, tuples and dictionaries among them hold."""
    found: list[ast.expr] = []
    todo = [*call.args, *(each.value for each in call.keywords)]
    while todo and len(found) < MOST:
        part = todo.pop(0)
        if isinstance(part, (ast.List, ast.Tuple)):
            todo += part.elts
        elif isinstance(part, ast.Dict):
            todo += part.values
        else:
            found.append(part)
    return found
