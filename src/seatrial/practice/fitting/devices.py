"""Where a training runs: Lightning Fabric's job (device, precision, several processes), asked for in one place."""

from __future__ import annotations

from typing import Any

import torch

from seatrial.errors import UsageProblem
from seatrial.practice.fitting.order import Share
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.refusal import failed
from seatrial.practice.task import Made


class Machine:
    """Devices, precision and the other processes of a training."""

    def __init__(self, settings: Settings) -> None:
        """Start the other processes, if any are wanted.

        Raises:
            UsageProblem: Fabric is not installed, or these devices are not there.
        """
        fabric_class: Any = _fabric()
        try:
            self._fabric = fabric_class(
                accelerator=settings.accelerator, devices=settings.devices, precision=settings.precision
            )
            self._fabric.launch()
        except Exception as error:
            hint = "See --accelerator, --devices and --precision; cpu, 1 and 32-true work everywhere."
            raise failed("Preparing the devices", error, hint) from error

    @property
    def share(self) -> Share:
        """This process among all."""
        return Share(self._fabric.global_rank, self._fabric.world_size)

    @property
    def is_first(self) -> bool:
        """Whether this process speaks for all."""
        return self._fabric.global_rank == 0

    def ready(self, made: Made) -> Made:
        """A model and its optimizer where they are to train. Alone, the model stays the object that it was."""
        model = made.model.to(self._fabric.device)
        if isinstance(made.loss, torch.nn.Module):
            made.loss.to(self._fabric.device)
        if self._fabric.world_size == 1:
            return made
        wrapped, optimizer = self._fabric.setup(model, made.optimizer)
        for name in ("training_step", "validation_step"):
            if hasattr(model, name):
                wrapped.mark_forward_method(name)
        return Made(wrapped, made.loss, optimizer, made.schedules)

    def on_device(self, batch: Any) -> Any:
        """A batch where the model is."""
        return self._fabric.to_device(batch)

    def autocast(self) -> Any:
        """The context in which the model is called."""
        return self._fabric.autocast()

    def backward(self, loss: torch.Tensor) -> None:
        """The backward pass, with what the precision asks for."""
        self._fabric.backward(loss)

    def step(self, made: Made) -> None:
        """A step of the optimizer, with what the precision asks for."""
        self._fabric.strategy.optimizer_step(made.optimizer) if self._fabric.world_size == 1 else made.optimizer.step()

    def summed(self, parts: torch.Tensor) -> torch.Tensor:
        """The sum over all processes."""
        if self._fabric.world_size == 1:
            return parts
        return self._fabric.all_reduce(parts.to(self._fabric.device), reduce_op="sum").cpu()

    def wait(self) -> None:
        """Until all processes are here."""
        self._fabric.barrier()

    def each(self, own: Any) -> list[Any]:
        """What each process has, in the order of their numbers."""
        if self._fabric.world_size == 1:
            return [own]
        found: list[Any] = [None] * self._fabric.world_size
        torch.distributed.all_gather_object(found, own)
        return found


def _fabric() -> Any:
    try:
        from lightning_fabric import Fabric
    except ImportError:
        raise UsageProblem(
            "Expected the package lightning-fabric, which training needs, found it not installed.",
            "fit-no-fabric",
            "pip install 'seatrial[train]'",
        ) from None
    return Fabric
