"""The arguments of a task, checked when it is made: their names, their kinds, whether there are any data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, IterableDataset

from seatrial.catalogue import nearest
from seatrial.practice.refusal import refused, shown

OPTIMIZER_HINT = "For instance: optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.1)."
REQUIRED = 3


def check_names(known: Sequence[str], given: int, named: Mapping[str, Any]) -> None:
    """Refuse names that no argument has, and a task without the first three arguments.

    Args:
        known: names of all arguments in order.
        given: number of positional arguments.
        named: the others.

    Raises:
        UsageProblem: one is unknown or missing.
    """
    for name, value in named.items():
        if name not in known:
            near = nearest(name, known)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
            raise refused("the arguments of a Task", f"{name}={shown(value)}", "task-argument", hint)
    missing = [name for at, name in enumerate(known[:REQUIRED]) if at >= given and name not in named]
    if missing:
        raise refused(
            "at least Task(model, loss, train)",
            f"one without {' and '.join(missing)}",
            "task-argument",
            "For instance: Task(Net, torch.nn.CrossEntropyLoss(), train_data).",
        )


def check_callables(model: Any, loss: Any, optimizer: Any, metrics: Mapping[str, Any]) -> None:
    """Refuse what cannot be called.

    Raises:
        UsageProblem: one of them is something else.
    """
    if not callable(model):
        hint = "Give the class of your network, or a function that makes one."
        raise refused("a model, or what makes one", shown(model), "task-no-module", hint)
    if isinstance(loss, type) or not callable(loss):
        hint = "For instance: loss=torch.nn.CrossEntropyLoss(), with the parentheses."
        raise refused("a loss(output, *targets)", shown(loss), "task-no-loss", hint)
    if isinstance(optimizer, Optimizer):
        if not isinstance(model, nn.Module):
            wanted = "what makes an optimizer for each model that the task makes"
            raise refused(wanted, f"one that is there already, {shown(optimizer)}", "task-no-optimizer", OPTIMIZER_HINT)
    elif optimizer is not None and not callable(optimizer):
        raise refused("what makes an optimizer", shown(optimizer), "task-no-optimizer", OPTIMIZER_HINT)
    for name, metric in metrics.items():
        if not callable(metric):
            hint = "Give metric(output, *targets), or a dict of such by name."
            raise refused(f"a function as the metric {name}", shown(metric), "task-no-metric", hint)


def check_numbers(batch_size: Any, inputs: Any) -> None:
    """Refuse what is no number of examples or of parts.

    Raises:
        UsageProblem: one of them is none.
    """
    if type(batch_size) is not int or batch_size < 1:
        raise refused("batch_size as a whole number from 1 on", shown(batch_size), "task-number", "32 is usual.")
    if inputs is not None and (type(inputs) is not int or inputs < 1):
        hint = "It counts the leading parts of an example that go to the model; left out, all but the last do."
        raise refused("inputs as a whole number from 1 on", shown(inputs), "task-number", hint)


def check_data(data: Any, name: str) -> None:
    """Refuse what cannot be a data set.

    Raises:
        UsageProblem: it has no length or no examples, or is something else.
    """
    if isinstance(data, DataLoader):
        hint = f"Give its data set, {name}=loader.dataset, and batch_size={data.batch_size}."
        raise refused(f"a Dataset as {name}", "a DataLoader", "task-data", hint)
    tensors = isinstance(data, (tuple, list)) and data and all(isinstance(each, torch.Tensor) for each in data)
    if tensors or isinstance(data, torch.Tensor):
        hint = f"Wrap them: {name}=torch.utils.data.TensorDataset(x, y)."
        raise refused(f"a Dataset as {name}", shown(data), "task-data", hint)
    try:
        length = -1 if isinstance(data, IterableDataset) else len(data)
    except (TypeError, NotImplementedError):
        length = -1
    if length < 0 or not hasattr(data, "__getitem__"):
        hint = "A part of it does for a check: list(itertools.islice(data, 1000))."
        raise refused(f"a Dataset with a length and examples by number as {name}", shown(data), "task-data", hint)
    if not length:
        hint = "Look at how it is filled: a wrong path or a filter that takes all?"
        raise refused(f"examples in {name}", f"{shown(data)} of length 0", "task-no-examples", hint)


def check_columns(examples: int, **columns: Sequence[Any] | None) -> None:
    """Refuse values of examples that are not one for each.

    Raises:
        UsageProblem: they are more or fewer, or groups and times are given together.
    """
    given = {name: values for name, values in columns.items() if values is not None}
    if len(given) > 1:
        hint = "What is latest is of whatever group it is: leave one of them out."
        raise refused(f"one of {' and '.join(given)}", "both", "task-columns", hint)
    for name, values in given.items():
        if len(values) != examples:
            hint = "Give one value for each example, in the order of the examples."
            raise refused(f"{name} for {examples} examples", f"{len(values)}", "task-columns", hint)
