"""The end of a practice: the vault is opened for the chosen weights, once, and what they are worth is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import default_collate

from seatrial.practice.fitting.checkpoints import load_weights
from seatrial.practice.lecture.outcome import Outcome
from seatrial.practice.metrics import is_gathering
from seatrial.practice.task import Task
from seatrial.practice.trying import on_device
from seatrial.report.numbers import counted, decimal
from seatrial.vault.opening import Result
from seatrial.vault.plan import Plan
from seatrial.vault.vault import Vault

REASON = "the end of the practice"


def examine(task: Task, place: Path, weights: Path, largest_share: float | None) -> Outcome:
    """Open a vault for the weights that validation chose.

    Args:
        largest_share: how often the answer is right that is always the largest class; None where there are no classes.

    Raises:
        UsageProblem: the vault cannot be opened or the predictions do not fit.
    """
    vault = Vault(place)
    looks = sum(entry.kind == "opened" for entry in vault.log())
    classes = largest_share is not None
    plan = Plan(["accuracy"], {"accuracy": largest_share}) if largest_share is not None else Plan(_metrics(task))
    made = task.make()
    load_weights(made.model, weights)
    made.model.eval()
    result = vault.open(weights, plan, REASON).score(_predictor(task, made, classes))
    sentences = _sentences(result, vault.sealed.examples.test, looks)
    return Outcome(sentences, values={"figures": list(result.figures), "look": result.look})


def _predictor(task: Task, made: Any, classes: bool) -> Callable[[Sequence[Any]], NDArray[Any]]:
    def predict(inputs: Sequence[Any]) -> NDArray[Any]:
        parts = [inputs[at : at + task.batch_size] for at in range(0, len(inputs), task.batch_size)]
        with torch.no_grad():
            found = [made.model(*_batch(part, made)).detach().cpu() for part in parts]
        outputs = torch.cat(found)
        return (outputs.argmax(1) if classes else outputs.squeeze(-1)).numpy()

    return predict


def _batch(examples: Sequence[Any], made: Any) -> tuple[Any, ...]:
    """The inputs of some examples as the model takes them."""
    batch = default_collate(list(examples))
    return tuple(on_device(batch if isinstance(batch, (list, tuple)) else [batch], made))


def _metrics(task: Task) -> Any:
    """The task's own metrics on arrays; the root of the mean squared error where it has none."""
    own = {name: _on_arrays(metric) for name, metric in task.metrics.items() if not is_gathering(metric)}
    return own or ["rmse"]


def _on_arrays(metric: Callable[..., Any]) -> Callable[[NDArray[Any], NDArray[Any]], float]:
    def compute(targets: NDArray[Any], predictions: NDArray[Any]) -> float:
        return float(
            metric(torch.from_numpy(np.ascontiguousarray(predictions)), torch.from_numpy(np.ascontiguousarray(targets)))
        )

    return compute


def _sentences(result: Result, examples: int, looks: int) -> tuple[str, ...]:
    name, answer = next(iter(result.answers.items()))
    told = "is not told any more" if answer.value is None else f"is {decimal(answer.value)}"
    interval = answer.interval
    between = (
        ""
        if interval is None
        else f" ({interval.level:.0%} interval {decimal(interval.low)} to {decimal(interval.high)})"
    )
    count = "for the first time" if looks == 0 else f"after {counted(looks, 'look')} before"
    headline = f"On {counted(examples, 'sealed example')}, opened {count}, the {name} {told}{between}."
    return (headline, *result.figures[1:], answer.sentence)
