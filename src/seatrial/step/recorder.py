"""Listens to all torch functions for a while and captures what they compute as `Call`s and `Leaf`s."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import (
    TorchFunctionMode,
    _get_current_function_mode_stack,  # pyright: ignore[reportPrivateUsage]
)
from torch.utils._device import DeviceContext

from seatrial.places import chain, place_of
from seatrial.step.arguments import Arguments, tensors_in
from seatrial.step.capture import Call, Leaf, Origin, Out, sources
from seatrial.step.generators import states
from seatrial.step.names import canonical, full_name, may_draw
from seatrial.step.origins import Origins, info_of
from seatrial.step.readings import Readings
from seatrial.step.unheard import Unheard

# Calls beyond this number are not captured: a step of so many is said not to have been looked at.
MOST_CALLS = 60_000
# Results that leave torch: the values that they carry away are in no graph.
EXITS = frozenset("item numpy tolist".split())
# Calls that make a tensor one to which gradients flow (unless they are given False): what is made of it belongs to the step.
MARKS = frozenset("requires_grad_ set_requires_grad".split())
_QUERIES = frozenset(
    "size dim shape dtype device ndim numel nelement is_contiguous stride requires_grad is_leaf grad_fn layout element_size "
    "is_cuda is_sparse is_quantized is_floating_point is_complex data_ptr storage_offset names _set_grad_enabled "
    "is_nested is_meta backward retain_grad register_hook __len__ __hash__ __repr__ __format__ _backward_hooks "
    "has_names output_nr _version itemsize nbytes is_inference untyped_storage storage __reduce_ex__ __deepcopy__".split()
)


_is_tracing = torch._C._is_tracing


class Recorder(TorchFunctionMode):
    """A function mode that captures. `modules` (innermost last) is kept up to date by whoever enters modules.

    `origins` tells where a tensor came from; `exits` are calls that carried values out of torch; `overflow` is set when
    something could not be captured; `thread` is the one that listens, once it does."""

    def __init__(self, readings: Readings | None = None) -> None:
        super().__init__()
        self.inert = False
        self.thread = 0
        self.overflow = False
        self.depth = 0
        self.seconds = 0.0
        self.modules: list[tuple[str, str, torch.nn.Module]] = []
        self.exits: list[Call] = []
        self.origins = Origins(self.modules)
        self.readings = readings or Readings()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.inert or self.depth or getattr(func, "__name__", "") in _QUERIES or _is_tracing():
            return func(*args, **kwargs)
        name = full_name(func)
        op, inplace = canonical(name)
        if op in _QUERIES or (op in MARKS and not (*args, *kwargs.values(), True)[1]):
            return func(*args, **kwargs)
        return self.observe(func, name, op, inplace, args, kwargs)

    def observe(
        self, func: Any, name: str, op: str, inplace: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Make a call and capture it. Whatever goes wrong on our side, the user's call is made once and its result
        returned."""
        # Our own calls are not to be heard either: a custom autograd function is not called through the mode.
        self.depth += 1
        try:
            call, tensors, versions = self._timed(self._before, func, name, op, inplace, args, kwargs) or (None, [], [])
            result = func(*args, **kwargs)
            if call is not None:
                self._timed(self._after, call, result, tensors, versions)
        finally:
            self.depth -= 1
        return result

    def _timed(self, part: Callable[..., Any], *given: Any) -> Any:
        """Do a part of our own work; what goes wrong in it is noted and spoils nothing."""
        start = time.thread_time()
        try:
            with Unheard():
                return part(*given)
        except Exception:
            self.overflow = True
            return None
        finally:
            self.seconds += time.thread_time() - start

    def _before(
        self, func: Any, name: str, op: str, inplace: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Call | None, list[torch.Tensor], list[int]]:
        origins = self.origins
        if origins.clock > MOST_CALLS:
            self.overflow = True
            return None, [], []
        frame = sys._getframe(3)
        place = place_of(frame)
        inside = bool(self.modules)
        path, kind, module = self.modules[-1] if inside else ("", "", None)
        taken = Arguments(origins, place)
        ours = (taken.captured(args), taken.captured(kwargs))
        stateful = op in MARKS or any(_stateful(out.origin) for out in taken.references)
        if stateful or inside:
            ours = (taken.frontier(ours[0]), taken.frontier(ours[1]))
            self.readings.entering(taken.tensors, origins)
        origins.clock += 1
        call = Call(
            order=origins.clock,
            function=func,
            name=name,
            op=op,
            args=ours[0],
            kwargs=ours[1],
            place=place,
            chain=chain(frame) if stateful else (),
            module=path,
            module_type=kind,
            grad=torch.is_grad_enabled(),
            autocast=_autocast(),
            inplace=inplace,
            stateful=stateful,
            inside_root=inside,
            training=module.training if module is not None else True,
            after=origins.written_since(taken.tensors, taken.references),
            device="" if taken.tensors else _default_device(),
        )
        if may_draw(op):
            call.generator = states()
        return call, taken.tensors, [_version(tensor) for tensor in taken.tensors]

    def _after(self, call: Call, result: Any, tensors: list[torch.Tensor], versions: list[int]) -> None:
        origins = self.origins
        results = tensors_in(result)
        if call.generator is not None:
            call.drew = not call.generator.equal(states())
            if not call.drew:
                call.generator = None
        written = [t for t, before in zip(tensors, versions, strict=True) if _version(t) != before]
        if call.op in MARKS:
            written = tensors[:1]
        if len(results) == 1 and not written and any(results[0] is tensor for tensor in tensors):
            return
        anew = {id(tensor) for tensor in written if origins.stepped_on(tensor, call)}
        written = [tensor for tensor in written if id(tensor) not in anew]
        extra = [t for t in written if not any(t is other for other in results)]
        call.results = len(results)
        call.changed = tuple(origins.taken(tensor) for tensor in extra)
        call.outputs = [info_of(tensor) for tensor in (*results, *extra)]
        if origins.carried and any(info.requires_grad for info in call.outputs):
            for out in sources(call):
                if isinstance(out.origin, Leaf) and out.origin.carried:
                    out.origin.built_on = True
        if call.op in EXITS and call.stateful and len(self.exits) < 200:
            self.exits.append(call)
        for tensor in written:
            origins.wrote(call, tensor)
        if results and (call.stateful or call.inside_root):
            self.readings.result(call, results[0], self.seconds)
        for number, tensor in enumerate((*results, *extra)):
            if id(tensor) not in anew:
                origins.remember(tensor, Out(call, number))


def _stateful(origin: Origin) -> bool:
    return origin.stateful if isinstance(origin, Call) else bool(origin.state) or origin.carried


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _default_device() -> str:
    """The device on which tensors are made that say none; "" for the CPU. From the mode itself: torch would make a tensor to see
    where it lies, which no mode hears of here."""
    modes = _get_current_function_mode_stack()
    device = next((str(mode.device) for mode in reversed(modes) if isinstance(mode, DeviceContext)), "cpu")
    return "" if device == "cpu" else device


def _autocast() -> str:
    if torch.is_autocast_enabled("cpu"):
        return f"cpu {torch.get_autocast_dtype('cpu')}"
    if torch.is_autocast_enabled("cuda"):
        return f"cuda {torch.get_autocast_dtype('cuda')}"
    return ""
