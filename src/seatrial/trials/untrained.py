"""The loss of the untrained network, as the script drew it and drawn anew, against the best constant answer.

A. Karpathy, CS231n notes, "Before learning: sanity checks": look for correct loss at chance performance, regularisation off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch

from seatrial.events import TensorInfo, Untrained
from seatrial.measure.constants import best_constant
from seatrial.measure.priors import own_answers
from seatrial.rules.graph import LOSS_OPS
from seatrial.step.capture import Call, Leaf, Origin, Out
from seatrial.step.generators import unmoved
from seatrial.step.recorded import Recorded, unregularised
from seatrial.step.replay import Step, total
from seatrial.step.tail import Tail, last_answer
from seatrial.trials.fork import draw_anew
from seatrial.trials.subsets import batch_size, with_rows

FRESH = 5
MOST_CLASSES = 20


def untrained(
    step: Recorded, tell: Callable[[str], None], fresh_model: Callable[[], torch.nn.Module] | None = None
) -> Iterator[Untrained]:
    """Evaluate the step without dropout, with its own parameters and with others: those of fresh models where these can be
    made, else weights that are drawn as torch draws them.

    Raises:
        NotReplayable: the loss does not follow from one answer of one model.
    """
    tell("the loss of the untrained network")
    replay = step.whole()
    constant, how = constant_loss(step, replay)
    own = _loss(replay, replay.values())
    fresh: list[float] = []
    for seed in range(FRESH):
        values = replay.values()
        if fresh_model is not None:
            _take_over(fresh_model(), replay.leaves, values)
        else:
            draw_anew(replay.leaves, values, seed)
        fresh.append(_loss(replay, values))
    yield Untrained(step.seen.tick, step.seen.call, own, tuple(fresh), constant, how, _by_class(step, replay))


def _take_over(model: torch.nn.Module, leaves: list[Leaf], values: list[torch.Tensor]) -> None:
    """Give leaves the values of a model's parameters of the same name."""
    known = {path: parameter.detach() for path, parameter in model.named_parameters()}
    for at, leaf in enumerate(leaves):
        found = next((known[path] for path in known if f".{leaf.name}".endswith(f".{path}")), None)
        if leaf.state == "parameter" and found is not None and found.shape == values[at].shape:
            values[at] = found.to(values[at].device, copy=True)


def constant_loss(step: Recorded, replay: Step) -> tuple[float, str]:
    """The loss of the best constant answer for the recorded batch (nan where there is none), and how it is known."""
    loss = _only_loss(step)
    call = _origin(loss, 0) if loss is not None else None
    if loss is None or not isinstance(call, Call) or call.results != 1:
        loss, call = None, last_answer(step)
    tail, values = Tail(replay, call), replay.values()
    info = call.outputs[0]
    dtype = getattr(torch, info.dtype.removeprefix("torch."))
    like = torch.zeros(info.shape, dtype=dtype, device=_device(info, replay))
    op, targets, settings = _settings(replay, loss, values)
    found = best_constant(lambda outputs: tail(outputs, values), like, targets, op, settings)
    return (found.value, found.how) if found is not None else (math.nan, "")


def least_loss(step: Recorded, replay: Step, values: list[torch.Tensor]) -> float:
    """The loss that no answer to the targets among the values can come below, all else in the loss as it was recorded; 0
    where targets can be met exactly."""
    loss = _only_loss(step)
    call = _origin(loss, 0) if loss is not None else None
    if loss is None or not isinstance(call, Call) or call.results != 1:
        return 0.0
    op, targets, settings = _settings(replay, loss, values)
    info = call.outputs[0]
    answers = own_answers(op, tuple(info.shape), targets, settings) if targets is not None else None
    if answers is None:
        return 0.0
    dtype = getattr(torch, info.dtype.removeprefix("torch."))
    with torch.no_grad():
        least = Tail(replay, call)(answers.to(_device(info, replay), dtype), values).item()
    return least if math.isfinite(least) else 0.0


def _device(info: TensorInfo, replay: Step) -> torch.device:
    """Where a tensor of a step lies: an event knows the kind of device only, the values of the step know which it is."""
    found = (leaf.value.device for leaf in replay.leaves if leaf.value is not None)
    return next((device for device in found if device.type == info.device), torch.device(info.device))


def _only_loss(step: Recorded) -> Call | None:
    """The loss function of torch that the step's loss comes from, if it is one alone."""
    found = [origin for origin in step.program if isinstance(origin, Call) and origin.op in LOSS_OPS]
    return found[0] if len(found) == 1 else None


def _origin(call: Call, position: int) -> Origin | None:
    """Where an argument comes from."""
    names = ("input", "target")
    given = call.args[position] if len(call.args) > position else call.kwargs.get(names[position])
    return given.origin if isinstance(given, Out) else None


def _settings(
    replay: Step, loss: Call | None, values: list[torch.Tensor]
) -> tuple[str, torch.Tensor | None, dict[str, Any]]:
    """What the loss function is given beside the prediction, where the leaves of the step have these values."""
    target = _origin(loss, 1) if loss is not None else None
    if loss is None or target is None:
        return "", None, {}
    if isinstance(target, Leaf):
        return loss.op, values[replay.leaves.index(target)].detach(), _plain(loss)
    results: dict[int, Any] = {}

    def keep(call: Call, result: Any) -> None:
        if call is target:
            results[id(call)] = result

    with torch.no_grad():
        replay([value.clone() for value in values], seen=keep)
    made = results.get(id(target))
    return loss.op, made if isinstance(made, torch.Tensor) else None, _plain(loss)


def _plain(loss: Call) -> dict[str, Any]:
    """Keyword arguments that are values, and tensors (class weights) by theirs."""
    given = {
        key: value.origin.value if isinstance(value, Out) and isinstance(value.origin, Leaf) else value
        for key, value in loss.kwargs.items()
    }
    return {key: value for key, value in given.items() if not isinstance(value, Out) and key not in ("input", "target")}


def _loss(replay: Step, values: list[torch.Tensor]) -> float:
    with torch.no_grad(), unmoved():
        return total(replay(values, substitute=unregularised)).item()


def _by_class(step: Recorded, replay: Step) -> dict[str, float]:
    """The loss of each class alone, where the only target is a class for each example."""
    targets = step.leaves("target")
    if len(targets) != 1 or len(targets[0].info.shape) != 1 or not _counts(targets[0]):
        return {}
    size, labels = batch_size(step), targets[0].value
    if len(labels) != size:
        return {}
    found: dict[str, float] = {}
    for label in labels.unique().tolist()[:MOST_CLASSES]:
        rows = torch.nonzero(labels == label).reshape(-1)
        found[str(label)] = _loss(replay, with_rows(step, replay, rows[torch.arange(size) % len(rows)]))
    return found


def _counts(leaf: Leaf) -> bool:
    value: Any = leaf.value
    return "int" in leaf.info.dtype and value is not None
