"""Where a training runs: Lightning Fabric's job (device, precision, several processes), asked for in one place."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from seatrial.errors import UsageProblem
from seatrial.practice.fitting.order import Share
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.made import Made
from seatrial.practice.refusal import failed, refused

# Batches after which processes (or a device) are asked how they are: each time costs a wait for all of them.
_ASKED_AFTER = 10


class Machine:
    """Devices, precision and the other processes of a training."""

    def __init__(self, settings: Settings) -> None:
        """Start the other processes, if any are wanted.

        Raises:
            UsageProblem: Fabric is not installed, or these devices are not there.
        """
        fabric_class: Any = _fabric()
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # who is registered where is of no interest
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

    # ---- a model and its steps ---------------------------------------------------------------------------------------

    def ready(self, made: Made) -> Made:
        """A model where it is to train. Alone it stays the object that it was; with others it is called through torch's
        DistributedDataParallel, and the optimizer is always the bare one."""
        strategy = self._fabric.strategy
        strategy.module_to_device(made.model)
        if isinstance(made.loss, nn.Module):
            strategy.module_to_device(made.loss)
        if self._fabric.world_size == 1:
            return made
        return Made(_Parallel(made.model, strategy.setup_module), made.loss, made.optimizer, made.schedules)

    def on_device(self, batch: Any) -> Any:
        """A batch where the model is."""
        return self._fabric.to_device(batch)

    def autocast(self) -> Any:
        """The context in which the model is called."""
        return self._fabric.autocast()

    def backward(self, loss: torch.Tensor, part: float) -> None:
        """The backward pass, with what the precision asks for. `part`: of the batch in this process; gradients are averaged over
        the processes, so that a larger part has to weigh more."""
        weight = part * self._fabric.world_size
        self._fabric.backward(loss if weight == 1 else loss * weight)

    def step(self, optimizer: Optimizer, clip: float) -> None:
        """A step of the optimizer, with what the precision asks for; the gradient clipped before, to a norm above 0."""
        if clip:
            self._fabric.strategy.clip_gradients_norm(None, optimizer, max_norm=clip, error_if_nonfinite=False)
        self._fabric.strategy.optimizer_step(optimizer)

    def precision_state(self) -> dict[str, Any]:
        """The state of the scaler of gradients, where there is one."""
        return dict(self._fabric.strategy.precision.state_dict())

    def restore_precision(self, saved: dict[str, Any]) -> None:
        """Put it back."""
        if saved:
            self._fabric.strategy.precision.load_state_dict(saved)

    # ---- the other processes -----------------------------------------------------------------------------------------

    def is_time_to_ask(self, batch: int) -> bool:
        """Whether to look, after this batch, at what costs a wait for the device or for the others."""
        alone = self._fabric.world_size == 1 and self._fabric.device.type == "cpu"
        return alone or batch % _ASKED_AFTER == 0

    def any(self, flags: Iterable[bool]) -> list[bool]:
        """Of each flag, whether it is set in any process."""
        own = torch.tensor([float(flag) for flag in flags], dtype=torch.float64)
        return [value > 0 for value in self.summed(own).tolist()]

    def summed(self, parts: torch.Tensor) -> torch.Tensor:
        """The sum over all processes."""
        if self._fabric.world_size == 1:
            return parts
        return self._fabric.all_reduce(parts.to(self._fabric.device), reduce_op="sum").cpu()

    def same_buffers(self, model: nn.Module) -> None:
        """Give each process the buffers of the first: what the layers have gathered differs with the examples they saw."""
        if self._fabric.world_size > 1:
            for buffer in model.buffers():
                torch.distributed.broadcast(buffer, 0)

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


@contextlib.contextmanager
def machine(settings: Settings, batch_size: int) -> Generator[Machine]:
    """The devices of a training; afterwards torch has its threads again and the processes know each other no more.

    Raises:
        UsageProblem: Fabric is not installed, these devices are not there, or a batch cannot be divided among them.
    """
    threads, connected = torch.get_num_threads(), _is_connected()
    try:
        found = Machine(settings)
        if found.share.of > batch_size:
            hint = "Give a larger batch_size, or fewer devices."
            wanted = f"batches of at least {found.share.of} examples, one for each process"
            raise refused(wanted, f"batch_size {batch_size}", "fit-devices", hint)
        yield found
    finally:
        torch.set_num_threads(threads)
        if _is_connected() and not connected:
            torch.distributed.destroy_process_group()


def _is_connected() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


class _Parallel(nn.Module):
    """A model all of whose calls go through DistributedDataParallel: only those average its gradients."""

    def __init__(self, model: nn.Module, wrap: Any) -> None:
        super().__init__()
        self.wrapped = wrap(_Named(model))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.wrapped("__call__", *args, **kwargs)

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """That of a LightningModule."""
        return self.wrapped("training_step", *args, **kwargs)


class _Named(nn.Module):
    """A model whose methods are called by name."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.model, method)(*args, **kwargs)


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
