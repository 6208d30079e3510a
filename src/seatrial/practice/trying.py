"""A task is tried on one batch before anything else is done with it, so that a mistake in it is told at once and plainly."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import torch

from seatrial.practice.arguments import OPTIMIZER_HINT
from seatrial.practice.made import Made
from seatrial.practice.metrics import is_gathering
from seatrial.practice.refusal import failed, refused, shown
from seatrial.practice.task import Data, Task

_LOSS = "a scalar tensor from the loss"


def try_out(task: Task) -> None:
    """Make a model, read one batch, compute its loss, evaluate once. Nothing of it is kept.

    Raises:
        UsageProblem: some part of the task is not what it should be.
    """
    made = task.make()
    _check_new(task, made)
    _check_optimizer(made)
    made.model.train()
    batch = _first_batch(task, task.train, "train")
    loss = _loss(task, made, batch)
    check_loss(loss, made)
    if task.validation is not None:
        _evaluate(task, made, _first_batch(task, task.validation, "validation"))
    elif task.metrics:
        hint = "Give validation=..., or leave the metric out."
        raise refused("validation data for the metric", "none", "task-no-metric", hint)


def check_loss(loss: Any, made: Made) -> None:
    """Refuse a loss from which no backward pass can begin.

    Raises:
        UsageProblem: it is no scalar tensor, or no gradient comes from it.
    """
    if not isinstance(loss, torch.Tensor):
        hint = "Return the tensor itself: no .item(), no numpy."
        raise refused(_LOSS, shown(loss), "task-loss-no-scalar", hint)
    if loss.numel() != 1:
        hint = "Take the mean over the batch: loss.mean(), or reduction='mean'."
        raise refused(_LOSS, shown(loss), "task-loss-no-scalar", hint)
    if not loss.requires_grad:
        frozen = not any(parameter.requires_grad for parameter in made.model.parameters())
        why = "all parameters of the model are frozen" if frozen else "no path leads from it to a parameter"
        hint = (
            "Set requires_grad of what is to be learned."
            if frozen
            else "Look for detach(), no_grad(), .data, numpy or argmax between the model and the loss."
        )
        raise refused("a loss that needs a gradient", f"one that needs none: {why}", "task-loss-no-gradient", hint)


def on_device(batch: Any, made: Made) -> Any:
    """A batch where the model is."""
    return _moved(batch, next(made.model.parameters()).device)


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_moved(part, device) for part in value))
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(part, device) for part in value)
    if isinstance(value, dict):
        return {key: _moved(part, device) for key, part in value.items()}
    return value.to(device) if hasattr(value, "to") else value


# ---- inner steps -------------------------------------------------------------------------------------------------


def _check_new(task: Task, made: Made) -> None:
    """What a factory gives is trained: it must be nobody else's."""
    if task.fresh is None:
        return
    known = {id(parameter) for parameter in made.model.parameters()}
    shared = [name for name, parameter in task.fresh().named_parameters() if id(parameter) in known]
    if shared:
        hint = "Make all of its layers within model(); or give the module itself, model=net: it is copied."
        found = f"the same parameters again ({', '.join(shared[:3])}{', ...' if len(shared) > 3 else ''})"
        raise refused("a new model from each call of model()", found, "task-not-new", hint)


def _check_optimizer(made: Made) -> None:
    step = inspect.signature(made.optimizer.step).parameters
    if "closure" in step and step["closure"].default is inspect.Parameter.empty:
        raise refused(
            "an optimizer that steps by itself",
            f"{type(made.optimizer).__name__}, which needs a closure",
            "task-no-optimizer",
            OPTIMIZER_HINT,
        )
    own = {id(parameter) for parameter in made.model.parameters()}
    held = [parameter for group in made.optimizer.param_groups for parameter in group["params"]]
    if not any(id(parameter) in own for parameter in held):
        raise refused(
            "an optimizer that holds parameters of the model",
            f"{type(made.optimizer).__name__} with {len(held)} others",
            "task-no-optimizer",
            OPTIMIZER_HINT,
        )


def _first_batch(task: Task, data: Data, name: str) -> Any:
    """One batch, its examples looked at first."""
    try:
        example = data[0]
    except Exception as error:
        raise failed(f"Reading the first example, {name}[0],", error, "Every number below len() needs one.") from error
    task.check_example(example, name)
    try:
        return next(iter(task.loader(data, shuffle=False, seed=0)))
    except Exception as error:
        hint = "Examples of one shape can be stacked; for others give collate=, what makes a batch of a list of them."
        raise failed(f"Making a batch of examples of {name}", error, hint) from error


def _loss(task: Task, made: Made, batch: Any) -> Any:
    try:
        return task.training_loss(made, on_device(batch, made), 0)
    except Exception as error:
        hint = f"The batch was {shown(batch)}; {task.use_of_parts(batch)}."
        raise failed("Computing the loss of a batch", error, hint) from error


def _evaluate(task: Task, made: Made, batch: Any) -> None:
    made.model.eval()
    batch = on_device(batch, made)
    with torch.no_grad():
        try:
            output = task.evaluate(made, batch, 0).output
        except Exception as error:
            hint = f"The batch was {shown(batch)}."
            raise failed("Evaluating a batch of the validation data", error, hint) from error
        _, targets = task.split(batch) if task.metrics else ((), ())
        for name, metric in task.metrics.items():
            try:
                value = (copy.deepcopy(metric) if is_gathering(metric) else metric)(output, *targets)
            except Exception as error:
                raise failed(
                    f"The metric {name} of a batch", error, "It is called metric(output, *targets)."
                ) from error
            if not _is_number(value):
                hint = "Return a float or a scalar tensor."
                raise refused(f"a number from the metric {name}", shown(value), "task-no-metric", hint)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, RuntimeError):
        return False
    return True
