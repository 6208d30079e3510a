"""The validation data after an epoch: mean loss and metrics, without a trace in the model."""

from __future__ import annotations

import math
from typing import Any

import torch

from seatrial.practice.fitting.devices import Machine
from seatrial.practice.fitting.order import evaluation_loader
from seatrial.practice.made import Made
from seatrial.practice.metrics import Gathered, examples_in
from seatrial.practice.refusal import failed
from seatrial.practice.task import Data, Task


def validate(task: Task, made: Made, data: Data, machine: Machine) -> tuple[float, dict[str, float]]:
    """Mean loss (nan where the task has none) and metrics of some data, in evaluation mode, over all processes.

    Raises:
        UsageProblem: the task's own code fails.
    """
    metrics = {name: Gathered(metric) for name, metric in task.metrics.items()}
    loader = task.at("validation", lambda: evaluation_loader(task, data, machine.share))
    training = made.model.training
    made.model.eval()
    total, examples = 0.0, 0
    try:
        with torch.no_grad():
            for number, batch in enumerate(loader):
                count = examples_in(batch)
                loss = _evaluate(task, made, machine.on_device(batch), number, count, metrics, machine)
                if loss is not None:
                    total, examples = total + float(loss) * count, examples + count
    except Exception as error:
        raise failed("Evaluating on the validation data", error, "Its first batch went well.") from error
    finally:
        made.model.train(training)
    total, examples = machine.summed(torch.tensor([total, examples], dtype=torch.float64)).tolist()
    found = {name: metric.value(machine.summed) for name, metric in metrics.items()}
    return (total / examples if examples else math.nan), found


def _evaluate(
    task: Task, made: Made, batch: Any, number: int, examples: int, metrics: dict[str, Gathered], machine: Machine
) -> Any:
    with machine.autocast():
        found = task.evaluate(made, batch, number)
    targets = task.split(batch)[1] if metrics else ()
    for metric in metrics.values():
        metric.add(found.output, targets, examples)
    return found.loss
