"""A task from a LightningModule and its data. Lightning itself is not needed here: only the methods that it prescribes."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader

from seatrial.practice.annealing.schedules import Schedule
from seatrial.practice.arguments import check_data
from seatrial.practice.made import Evaluated, Made, optimizer_by
from seatrial.practice.refusal import failed, refused, shown
from seatrial.practice.task import Task
from seatrial.practice.unchanged import unchanged

_HINT = "Give Task.from_lightning(Net, data), data a LightningDataModule, a DataLoader or a Dataset."


def task(
    module: Callable[[], nn.Module] | nn.Module,
    data: Any,
    optimizer: Callable[[nn.Module], Optimizer] | None,
    validation: Any,
    batch_size: int | None,
    name: str,
) -> Task:
    """See `Task.from_lightning`.

    Raises:
        UsageProblem: there are no data, or of no kind that is known.
    """
    with unchanged():
        train, held_out = _loaders(module, data, validation)
    collate = train.collate_fn if isinstance(train, DataLoader) else None
    size = batch_size or (train.batch_size if isinstance(train, DataLoader) else None) or 32
    return _LightningTask(
        module,
        _training_step,
        _dataset(train, "data"),
        optimizer=optimizer,
        validation=None if held_out is None else _dataset(held_out, "validation"),
        batch_size=size,
        collate=collate,
        name=name,
    )


@dataclass(frozen=True, eq=False)
class _LightningTask(Task):
    """A task whose batches go to the module as they are."""

    def check_example(self, example: Any, name: str) -> None:
        pass

    def use_of_parts(self, batch: Any) -> str:
        return "it went to training_step as it is"

    def training_loss(self, made: Made, batch: Any, number: int) -> Any:
        with _quiet():
            return self.at("model", lambda: made.loss(made.model, batch, number))

    def evaluate(self, made: Made, batch: Any, number: int) -> Evaluated:
        step = getattr(made.model, "validation_step", None)
        if step is None:
            return Evaluated(None, None)
        with _quiet():
            found = self.at("validation", lambda: step(batch, number))
        loss = found.get("loss") if isinstance(found, dict) else found
        return Evaluated(found, loss if isinstance(loss, torch.Tensor) and loss.numel() == 1 else None)

    def check_model(self, model: nn.Module) -> None:
        super().check_model(model)
        for name in ("training_step", "configure_optimizers"):
            if not callable(getattr(model, name, None)):
                hint = "Give a LightningModule; for other modules there is Task(model, loss, train)."
                raise refused(f"a module with {name}", shown(model), "task-no-lightning-module", hint)
        if getattr(model, "automatic_optimization", True) is not True:
            hint = "Describe its loss as Task(model, loss, train)."
            wanted = "a LightningModule that leaves its steps to a trainer"
            raise refused(wanted, "one that makes them itself", "task-manual-optimization", hint)

    def optimizer_for(self, model: nn.Module) -> tuple[Optimizer, tuple[Schedule, ...]]:
        if self.optimizer is not None:
            return super().optimizer_for(model)
        found: list[Any] = []

        def configured(model: Any) -> Any:
            with _quiet():
                found.append(model.configure_optimizers())
            return _optimizer_of(found[0])

        return optimizer_by(configured, model, self.at), tuple(map(_schedule, _parts(found[0])[1]))

    def _positional(self) -> tuple[str, ...]:
        return ("model", "train")


def _training_step(model: Any, batch: Any, number: int) -> Any:
    """What `training_step` returns as its loss."""
    result = model.training_step(batch, number)
    return result.get("loss") if isinstance(result, dict) else result


def _optimizer_of(found: Any) -> Any:
    """The optimizer among all that `configure_optimizers` may return."""
    optimizers = _parts(found)[0]
    if len(optimizers) != 1:
        hint = "Give the one that the loss is for: optimizer=lambda model: ..."
        raise refused("one optimizer from configure_optimizers", shown(found), "task-no-optimizer", hint)
    return optimizers[0]


def _parts(found: Any) -> tuple[list[Any], list[Any]]:
    """Optimizers and schedulers: one optimizer, a list of them, a list of each, or a dict of both."""
    if isinstance(found, dict):
        scheduler = found.get("lr_scheduler")
        return [found.get("optimizer")], [] if scheduler is None else [scheduler]
    parts: list[Any] = list(found) if isinstance(found, (tuple, list)) else [found]
    if len(parts) == 2 and all(isinstance(part, (tuple, list)) for part in parts):
        return list(parts[0]), list(parts[1])
    if len(parts) == 1 and isinstance(parts[0], dict):
        return _parts(parts[0])
    return parts, []


def _schedule(given: Any) -> Schedule:
    settings: dict[str, Any] = given if isinstance(given, dict) else {"scheduler": given}
    scheduler = settings["scheduler"]
    return Schedule(scheduler, settings.get("interval", "epoch"), isinstance(scheduler, ReduceLROnPlateau))


def _loaders(module: Any, data: Any, validation: Any) -> tuple[Any, Any]:
    """The loaders (or data sets) to train on and to evaluate on."""
    source: Any = data
    if data is None:
        source = module if isinstance(module, nn.Module) else module()
    if hasattr(source, "train_dataloader"):
        try:
            data, held_out = _asked(source)
        except Exception as error:
            raise failed(f"Reading the data of {type(source).__name__}", error, _HINT) from error
        validation = held_out if validation is None else validation
    if data is None:
        raise refused("data to train on", "none", "task-data", _HINT)
    return _first(data), _first(validation)


def _asked(source: Any) -> tuple[Any, Any]:
    """The loaders of a data module (or of a module that has its data with it), asked for in the order that is prescribed."""
    if callable(getattr(source, "prepare_data", None)):
        source.prepare_data()
    if callable(getattr(source, "setup", None)):
        source.setup("fit")
    return source.train_dataloader(), source.val_dataloader() if hasattr(source, "val_dataloader") else None


def _first(found: Any) -> Any:
    """Of several loaders the first."""
    loaders: list[Any] = list(found) if isinstance(found, (list, tuple)) else []
    if loaders and all(isinstance(each, DataLoader) for each in loaders):
        return loaders[0]
    return found


def _dataset(found: Any, name: str) -> Any:
    data = found.dataset if isinstance(found, DataLoader) else found
    check_data(data, name)
    return data


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Without what Lightning says of a module that logs or is asked for things while it has no trainer."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*(self\.log|self\.trainer).*")
        yield
