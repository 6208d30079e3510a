"""Copies of objects that are there already: a module, its optimizer and its loss, which stay one another's."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from torch import nn
from torch.optim import Optimizer

from seatrial.practice.refusal import failed


def copied(
    model: nn.Module, optimizer: Optimizer | None, loss: nn.Module | None
) -> tuple[nn.Module, Optimizer | None, nn.Module | None]:
    """Copy them together: what they share stays shared.

    Raises:
        UsageProblem: they cannot be copied.
    """
    try:
        model, optimizer, loss = copy.deepcopy((model, optimizer, loss))
    except Exception as error:
        raise failed("Copying the model", error, "Give what makes it instead: model=lambda: Net(...).") from error
    return model, None if optimizer is None else _built(optimizer), loss


def _built(copy_of_it: Optimizer) -> Optimizer:
    """An optimizer like this one, from its constructor: there the taps hear of it, a copy was never in it."""
    accepted = inspect.signature(type(copy_of_it).__init__).parameters
    settings: dict[str, Any] = {key: value for key, value in copy_of_it.defaults.items() if key in accepted}
    try:
        built = type(copy_of_it)(copy_of_it.param_groups, **settings)
    except (TypeError, ValueError):  # a class of the user's with a constructor of its own
        return copy_of_it
    built.state.update(copy_of_it.state)
    return built
