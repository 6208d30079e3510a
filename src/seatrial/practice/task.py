"""A task: a model, a loss and data, described in a few lines of Python. What cannot be right is refused at once."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset, Subset

from seatrial.events import Place
from seatrial.practice.annealing.schedules import KINDS, Schedule, check_name, schedule
from seatrial.practice.arguments import (
    check_callables,
    check_columns,
    check_data,
    check_names,
    check_numbers,
)
from seatrial.practice.copies import copied
from seatrial.practice.made import Evaluated, Made, model_by, optimizer_by, schedule_by
from seatrial.practice.refusal import refused, shown
from seatrial.practice.standing import Standing, argument_places

Data: TypeAlias = "Dataset[Any] | list[Any]"
DEFAULT_RATE = 1e-3  # of Adam, where a task names no optimizer


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be learned, and by what.

    model       what makes a new model when it is called (a class, a function): so findings know the lines that build it. Or a
                module that is there already: it is copied, never touched.
    loss        `loss(output, *targets)`: a scalar tensor.
    train       the training data, a torch `Dataset` with a length. Each example is a tuple of parts.
    optimizer   makes an optimizer for a model: `lambda model: torch.optim.SGD(model.parameters(), lr=0.1)`; or the optimizer
                of a module given as `model`, copied with it. Adam with learning rate 1e-3 if nothing is given.
    schedule    changes the learning rate: a name (see `seatrial schedules`), or `schedule(optimizer, steps)`, a torch scheduler
                for a training of so many steps. It is stepped after each of them; ReduceLROnPlateau after each epoch.
    validation  data of the same form, to evaluate on.
    metric      `metric(output, *targets)`: a number, for the validation data; or several by name.
    batch_size  examples in a batch.
    inputs      so many leading parts of an example go to the model, the others to the loss (all but the last).
    collate     makes a batch of a list of examples, as a DataLoader's `collate_fn`.
    groups      of each training example: those of one group (a patient, a speaker) are never divided between training, validation
                and test.
    times       of each training example: what is held out is later than what is trained on.
    sampler     which examples an epoch of a training shows: `sampler(numbers, generator)`, numbers (n,) of the training examples and a
                torch generator that is the epoch's own; those to be shown, in order. Always as many; some may come again.
    vault       where the test data are sealed (see `seatrial vault`); opened by `seatrial practice` alone, at its end.
    name        for reports and folders.

    Raises:
        UsageProblem: one of them cannot be what it should be.
    """

    model: Callable[[], nn.Module] | nn.Module
    loss: Callable[..., Any]
    train: Data
    _: KW_ONLY
    optimizer: Callable[[nn.Module], Optimizer] | Optimizer | None = None
    schedule: Callable[[Optimizer, int], Any] | str | None = None
    validation: Data | None = None
    metric: Callable[..., Any] | Mapping[str, Callable[..., Any]] | None = None
    batch_size: int = 32
    inputs: int | None = None
    collate: Callable[[list[Any]], Any] | None = None
    groups: Sequence[Any] | None = None
    times: Sequence[Any] | None = None
    sampler: Callable[[NDArray[np.int64], torch.Generator], Sequence[int]] | None = None
    vault: str | os.PathLike[str] | None = None
    name: str = ""
    places: dict[str, Place] = field(init=False, repr=False)
    at: Standing = field(init=False, repr=False)

    def __new__(cls, *given: Any, **named: Any) -> Task:
        """Names that are none are told with the one that was meant."""
        if given or named:  # copies are made without any
            check_names([each.name for each in fields(cls) if each.init], len(given), named)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        places = argument_places(sys._getframe(1), self._positional())
        object.__setattr__(self, "places", places)
        object.__setattr__(self, "at", Standing(places))
        check_callables(self.model, self.loss, self.optimizer, self.metrics)
        check_numbers(self.batch_size, self.inputs)
        if self.sampler is not None and not callable(self.sampler):
            raise refused(
                "a sampler(numbers, generator)",
                shown(self.sampler),
                "task-sampler",
                "Leave it out to show each example once.",
            )
        if self.schedule is not None and not callable(self.schedule):
            check_name(self.schedule)
        check_data(self.train, "train")
        if self.validation is not None:
            check_data(self.validation, "validation")
        check_columns(len(self.train), groups=self.groups, times=self.times)  # pyright: ignore[reportArgumentType]

    @staticmethod
    def from_lightning(
        module: Callable[[], nn.Module] | nn.Module,
        data: Any = None,
        *,
        optimizer: Callable[[nn.Module], Optimizer] | None = None,
        validation: Any = None,
        batch_size: int | None = None,
        name: str = "",
    ) -> Task:
        """A task from a LightningModule: its `training_step` is the loss, `configure_optimizers` makes the optimizer.

        Args:
            module: what makes it, or one that is there (it is copied).
            data: a LightningDataModule, a DataLoader or a Dataset; the module's own `train_dataloader` if nothing is given.
            validation: as `data`; what the data module or the module itself has if nothing is given.
        """
        from seatrial.practice.lightning import task

        return task(module, data, optimizer, validation, batch_size, name)

    # ---- the same, but for something ------------------------------------------------------------------------------

    def having(self, **changes: Any) -> Task:
        """The same task with other data or another optimizer; its lines are still those where it was described."""
        other = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(other, name, value)
        return other

    # ---- what it makes -------------------------------------------------------------------------------------------

    @property
    def metrics(self) -> dict[str, Callable[..., Any]]:
        """The metrics by name."""
        if self.metric is None:
            return {}
        if isinstance(self.metric, Mapping):
            return dict(self.metric)
        return {getattr(self.metric, "__name__", type(self.metric).__name__): self.metric}

    @property
    def fresh(self) -> Callable[[], nn.Module] | None:
        """Makes models with initialisations of their own; None where the task has one module only."""
        factory = self.model
        return None if isinstance(factory, nn.Module) else lambda: model_by(factory, self.at)

    def make(self) -> Made:
        """A new model, its loss and its optimizer.

        Raises:
            UsageProblem: the factories make something else.
        """
        given = self.model
        optimizer = self.optimizer if isinstance(self.optimizer, Optimizer) else None
        own = self.loss if isinstance(self.loss, nn.Module) else None
        if isinstance(given, nn.Module):
            model, optimizer, own = self.at("optimizer", lambda: copied(given, optimizer, own))
        else:
            model, own = model_by(given, self.at), copy.deepcopy(own)
        self.check_model(model)
        loss = self.loss if own is None else own
        if optimizer is not None:
            return Made(model, loss, optimizer)
        return Made(model, loss, *self.optimizer_for(model))

    def check_model(self, model: nn.Module) -> None:
        """Refuse a model that has nothing to learn.

        Raises:
            UsageProblem: it has no parameters.
        """
        if not any(True for _ in model.parameters()):
            raise refused(
                "a model with parameters to learn",
                f"{type(model).__name__} without any",
                "task-no-parameters",
                "Layers in a plain list or dict are not seen by torch: use nn.ModuleList or nn.ModuleDict.",
            )

    def loader(self, data: Data, *, shuffle: bool, seed: int) -> DataLoader[Any]:
        """Batches of some data. Its order comes from a generator of its own; what the task's sampler shows of its training data in an
        epoch, it shows again and again."""
        if shuffle and self.sampler is not None and data is self.train:
            numbers = np.arange(len(data))  # pyright: ignore[reportArgumentType]
            data = Subset(data, list(self.sampler(numbers, torch.Generator().manual_seed(seed))))  # pyright: ignore[reportArgumentType]
        incomplete = shuffle and len(data) >= self.batch_size  # pyright: ignore[reportArgumentType]
        return DataLoader(
            data,  # pyright: ignore[reportArgumentType]  # a list of examples is a data set too
            self.batch_size,
            shuffle=shuffle,
            drop_last=incomplete,  # a last batch of one example would break what normalises over batches
            collate_fn=self.collate,
            generator=torch.Generator().manual_seed(seed),
        )

    def optimizer_for(self, model: nn.Module) -> tuple[Optimizer, tuple[Schedule, ...]]:
        """A new optimizer for a model, and what changes its learning rate.

        Raises:
            UsageProblem: the factory makes something else.
        """
        factory = self.optimizer
        if factory is None:
            return self.at("", lambda: torch.optim.Adam(model.parameters(), lr=DEFAULT_RATE)), ()
        assert not isinstance(factory, Optimizer)
        return optimizer_by(factory, model, self.at), ()

    def schedules_for(self, optimizer: Optimizer, steps: int, name: str = "") -> tuple[Schedule, ...]:
        """What changes the learning rate in a training of so many steps: the schedule of that name, or the task's own.

        Raises:
            UsageProblem: there is none of that name, or the task's function makes something else.
        """
        chosen = name or self.schedule
        if chosen is None:
            return ()
        if isinstance(chosen, str):
            return (self.at("schedule", lambda: schedule(chosen, optimizer, steps)),)
        return (schedule_by(chosen, optimizer, steps, self.at),)

    def is_planned(self, name: str = "") -> bool:
        """Whether the schedule depends on the number of steps for which it is made."""
        chosen = name or self.schedule
        return chosen is not None and (KINDS[chosen].planned if isinstance(chosen, str) else True)

    # ---- what it computes ----------------------------------------------------------------------------------------

    def check_example(self, example: Any, name: str) -> None:
        """Refuse an example that cannot be split into parts for the model and parts for the loss.

        Raises:
            UsageProblem: it is no tuple, or has too few parts.
        """
        if not isinstance(example, (tuple, list)):
            hint = "Let __getitem__ return (input, target)."
            raise refused(f"a tuple (input, target) as an example of {name}", shown(example), "task-example", hint)
        least = 2 if self.inputs is None else self.inputs
        if len(example) < least:
            why = "" if self.inputs is None else f", of which inputs={self.inputs} go to the model"
            hint = "Let __getitem__ return (input, target), or give inputs=, how many parts the model takes."
            wanted = f"an example of {name} with at least {least} parts{why}"
            raise refused(wanted, shown(example), "task-example", hint)

    def use_of_parts(self, batch: Any) -> str:
        """What the parts of a batch are used for, in words."""
        inputs, targets = (len(parts) for parts in self.split(batch))
        return f"its first {inputs} went to the model, the other {targets} to the loss (see inputs=)"

    def split(self, batch: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The parts of a batch (or an example) for the model, and those for the loss."""
        parts = tuple(batch)
        inputs = len(parts) - 1 if self.inputs is None else self.inputs
        return parts[:inputs], parts[inputs:]

    def training_loss(self, made: Made, batch: Any, number: int) -> Any:
        """The loss of a batch, from which a backward pass begins. `number` is that of the batch, from 0."""
        del number
        inputs, targets = self.split(batch)
        output = self.at("model", lambda: made.model(*inputs))
        return self.at("loss", lambda: made.loss(output, *targets))

    def evaluate(self, made: Made, batch: Any, number: int) -> Evaluated:
        """The output for a batch of the validation data, and its loss."""
        del number
        inputs, targets = self.split(batch)
        output = self.at("validation", lambda: made.model(*inputs))
        return Evaluated(output, self.at("validation", lambda: made.loss(output, *targets)))

    # ---- inner steps ---------------------------------------------------------------------------------------------

    def _positional(self) -> tuple[str, ...]:
        return ("model", "loss", "train")
