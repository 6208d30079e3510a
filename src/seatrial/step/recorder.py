"""Listens to all torch functions for a while and captures what they compute as `Call`s and `Leaf`s."""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable
from threading import get_ident
from typing import Any

import torch
from torch.overrides import (
    TorchFunctionMode,
    _get_current_function_mode_stack,  # pyright: ignore[reportPrivateUsage]
    _pop_mode,  # pyright: ignore[reportPrivateUsage]
    _push_mode,  # pyright: ignore[reportPrivateUsage]
)
from torch.utils._device import DeviceContext

from seatrial.events import TensorInfo
from seatrial.measure.access import held_bytes
from seatrial.measure.activations import tensor_stats
from seatrial.measure.layout import interleaving
from seatrial.places import chain, place_of
from seatrial.step.capture import Call, Leaf, Origin, Out, cut, sources
from seatrial.step.generators import states
from seatrial.step.names import canonical, full_name, may_draw
from seatrial.step.unheard import Unheard, speaks

# Calls beyond this number are not captured: a step of so many is said not to have been looked at.
MOST_CALLS = 60_000
# Of equal calls (same line, module and operation: a recurrent cell) only so many are measured.
MOST_MEASURED = 6
# A tensor of data of more bytes than this is not kept for its own sake.
LARGEST_BATCH = 4 * 2**20
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
    """A function mode that captures. `modules` (innermost last) is kept up to date by whoever enters modules."""

    def __init__(
        self,
        keep_values: bool = False,
        measure: bool = True,
        patience_seconds: float = 0.5,
        keep_data: bool = False,
    ) -> None:
        super().__init__()
        self.keep_values = keep_values
        self.keep_data = keep_data
        self.measure = measure
        self.patience_seconds = patience_seconds
        self.inert = False
        self.thread = 0
        self.overflow = False
        self.depth = 0
        self.seconds = 0.0
        self.carried: list[Leaf] = []
        self.modules: list[tuple[str, str, torch.nn.Module]] = []
        self.exits: list[Call] = []
        self.parameter_id: Callable[[torch.Tensor, str], int] = lambda tensor, name: -1
        self.sketch: Callable[[torch.Tensor], Any] = lambda tensor: None
        self.state_names: dict[int, str] = {}
        self.clock = 0
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], Out]] = {}
        self._writers: dict[int, list[Call]] = {}
        self._parameter_at: dict[int, int] = {}  # storage -> id() of a parameter that is a leaf
        self._measured: dict[tuple[Any, ...], int] = {}
        self.kept_bytes = 0

    # ---- on and off ------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        """Listen, below all modes of the program's own (but for the default device, which lies at the bottom): whichever of
        them ends first takes itself away, not us. We hear what they make of a call."""
        self.thread = get_ident()
        others = [_pop_mode() for _ in range(torch._C._len_torch_function_stack())]
        while others and isinstance(others[-1], DeviceContext):
            _push_mode(others.pop())
        for mode in (self, *reversed(others)):
            _push_mode(mode)

    def leave(self) -> bool:
        """Listen no longer. Returns whether we are off the stack for good: while a call that we hear is being made, torch keeps
        us elsewhere and puts us back at its end; another thread's stack cannot be reached at all."""
        modes = [_pop_mode() for _ in range(torch._C._len_torch_function_stack())]
        for mode in reversed(modes):
            if mode is not self:
                _push_mode(mode)
        return self in modes

    # ---- listening -----------------------------------------------------------------------------------------------

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
        if self.clock > MOST_CALLS:
            self.overflow = True
            return None, [], []
        frame = sys._getframe(3)
        place = place_of(frame)
        inside = bool(self.modules)
        path, kind, module = self.modules[-1] if inside else ("", "", None)
        tensors: list[torch.Tensor] = []
        references: list[Out] = []
        ours = (self._translate(args, tensors, references, place), self._translate(kwargs, tensors, references, place))
        stateful = op in MARKS or any(_stateful(out.origin) for out in references)
        if stateful or inside:
            ours = (self._frontier(ours[0], tensors, references), self._frontier(ours[1], tensors, references))
            self._enter(tensors)
        self.clock += 1
        call = Call(
            order=self.clock,
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
            after=self._written_since(tensors, references),
            device="" if tensors else _default_device(),
        )
        if may_draw(op):
            call.generator = states()
        return call, tensors, [_version(tensor) for tensor in tensors]

    def _after(self, call: Call, result: Any, tensors: list[torch.Tensor], versions: list[int]) -> None:
        results: list[torch.Tensor] = []
        _collect(result, results)
        if call.generator is not None:
            call.drew = not call.generator.equal(states())
            if not call.drew:
                call.generator = None
        written = [t for t, before in zip(tensors, versions, strict=True) if _version(t) != before]
        if call.op in MARKS:
            written = tensors[:1]
        if len(results) == 1 and not written and any(results[0] is tensor for tensor in tensors):
            return
        anew = {id(tensor) for tensor in written if self._stepped_on(tensor, call)}
        written = [tensor for tensor in written if id(tensor) not in anew]
        extra = [t for t in written if not any(t is other for other in results)]
        call.results = len(results)
        call.changed = tuple(self._known[id(tensor)][1] for tensor in extra)
        call.outputs = [_info(tensor) for tensor in (*results, *extra)]
        if self.carried and any(info.requires_grad for info in call.outputs):
            for out in sources(call):
                if isinstance(out.origin, Leaf) and out.origin.carried:
                    out.origin.built_on = True
        if call.op in EXITS and call.stateful and len(self.exits) < 200:
            self.exits.append(call)
        for tensor in written:
            self._writers.setdefault(_storage(tensor), []).append(call)
        if results and (call.stateful or call.inside_root):
            self._measure(call, results[0])
        for number, tensor in enumerate((*results, *extra)):
            if id(tensor) not in anew:
                self._remember(tensor, Out(call, number))

    def _stepped_on(self, tensor: torch.Tensor, call: Call) -> bool:
        """A parameter was overwritten without gradients, as an optimizer does: what comes after is a new step that begins
        with the new value, so that the parameter is a leaf again."""
        key = self._parameter_at.get(_storage(tensor))
        if key is None or call.grad:
            return False
        self._known.pop(key, None)
        return True

    # ---- what is known of tensors --------------------------------------------------------------------------------

    def out_of(self, tensor: torch.Tensor) -> Out | None:
        """Where a tensor came from, if it was captured."""
        known = self._known.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else None

    def _current(self, tensor: torch.Tensor) -> Out | None:
        """As `out_of`; a leaf that was frozen or thawed since it was met is another one."""
        out = self.out_of(tensor)
        if out is None or not isinstance(out.origin, Leaf) or out.origin.carried:
            return out
        return out if out.origin.info.requires_grad == tensor.requires_grad else None

    @staticmethod
    def name_leaves(roots: list[Out], names: dict[int, str]) -> None:
        """Give parameters the names that became known only after they were used (a model is met at its first call)."""
        for origin in cut(roots):
            if isinstance(origin, Leaf) and not origin.name:
                origin.name = names.get(origin.parameter, "")

    def _remember(self, tensor: torch.Tensor, out: Out) -> None:
        key = id(tensor)

        def forget(gone: weakref.ref[torch.Tensor], known: dict[int, Any] = self._known) -> None:
            if known.get(key, (None,))[0] is gone:
                del known[key]

        self._known[key] = (weakref.ref(tensor, forget), out)

    def _translate(self, value: Any, tensors: list[torch.Tensor], references: list[Out], place: Any) -> Any:
        if isinstance(value, torch.Tensor):
            out = self._current(value) or self._leaf(value, place)
            tensors.append(value)
            references.append(out)
            return out
        if isinstance(value, (list, tuple)):
            parts = [self._translate(part, tensors, references, place) for part in value]
            return tuple(parts) if isinstance(value, tuple) else parts
        if isinstance(value, dict):
            return {key: self._translate(part, tensors, references, place) for key, part in value.items()}
        if isinstance(value, slice):
            ends = (value.start, value.stop, value.step)
            return slice(*(self._translate(end, tensors, references, place) for end in ends))
        return value

    def _frontier(self, value: Any, tensors: list[torch.Tensor], references: list[Out]) -> Any:
        """Make leaves of what user code outside of modules prepared: the batch as it enters the network or the loss."""
        if isinstance(value, Out):
            origin = value.origin
            if isinstance(origin, Call) and not origin.stateful and not origin.inside_root:
                at = next(i for i, out in enumerate(references) if out is value)
                return self._leaf(tensors[at], origin.place, made_by=origin)
            return value
        if isinstance(value, (list, tuple)):
            parts = [self._frontier(part, tensors, references) for part in value]
            return tuple(parts) if isinstance(value, tuple) else parts
        if isinstance(value, dict):
            return {key: self._frontier(part, tensors, references) for key, part in value.items()}
        if isinstance(value, slice):
            return slice(*(self._frontier(end, tensors, references) for end in (value.start, value.stop, value.step)))
        return value

    def _leaf(self, tensor: torch.Tensor, place: Any, made_by: Call | None = None) -> Out:
        self.clock += 1
        state, name = self._state_of(tensor)
        carried = made_by is None and not state and tensor.requires_grad and tensor.grad_fn is not None
        inside = self.modules[0][0] if self.modules else ""
        parameter = self.parameter_id(tensor, name) if state == "parameter" else -1
        leaf = Leaf(self.clock, _info(tensor), state, parameter, {}, None, place, name, carried, inside, made_by)
        if state == "parameter":
            self._parameter_at[_storage(tensor)] = id(tensor)
        if carried:
            leaf.depth = _graph_depth(tensor)
            self.carried.append(leaf)
        out = Out(leaf)
        self._remember(tensor, out)
        return out

    def _enter(self, tensors: list[torch.Tensor]) -> None:
        """Measure and, if wanted, copy leaves at the moment at which they enter the network or the loss."""
        for tensor in tensors:
            if speaks(tensor):
                continue
            out = self.out_of(tensor)
            leaf = out.origin if out is not None else None
            if not isinstance(leaf, Leaf) or leaf.entered:
                continue
            leaf.entered = True
            if self.measure and not leaf.state and tensor.numel() > 1:
                leaf.stats = tensor_stats(tensor.detach(), "leaf")
                ratio = interleaving(tensor.detach())
                if ratio == ratio:
                    leaf.stats = {**leaf.stats, "interleaving": ratio}
                leaf.sketch = self.sketch(tensor.detach())
            if self.keep_values or (self.keep_data and not leaf.state and held_bytes(tensor) <= LARGEST_BATCH):
                self.kept_bytes += held_bytes(tensor)
                leaf.value = tensor.detach().clone()

    def _state_of(self, tensor: torch.Tensor) -> tuple[str, str]:
        name = self.state_names.get(id(tensor), "")
        if isinstance(tensor, torch.nn.Parameter) or (tensor.requires_grad and tensor.is_leaf):
            return "parameter", name or self._name_in_module(tensor)
        for path, _, module in self.modules:
            for key, buffer in module._buffers.items():
                if buffer is tensor:
                    return "buffer", f"{path}.{key}"
        return ("buffer", name) if name else ("", "")

    def _name_in_module(self, tensor: torch.Tensor) -> str:
        """The name of a parameter that the module which runs at present has as its own, perhaps only while it runs."""
        for path, _, module in self.modules[-1:]:
            for key, parameter in module._parameters.items():
                if parameter is tensor:
                    return f"{path}.{key}"
        return ""

    def _written_since(self, tensors: list[torch.Tensor], references: list[Out]) -> tuple[Call, ...]:
        if not self._writers:
            return ()
        found: list[Call] = []
        for tensor, out in zip(tensors, references, strict=True):
            for writer in self._writers.get(_storage(tensor), ()):
                if writer.order > out.origin.order and writer not in found:
                    found.append(writer)
        return tuple(found)

    def _measure(self, call: Call, result: torch.Tensor) -> None:
        if not self.measure or self.seconds > self.patience_seconds or speaks(result):
            return
        key = (call.place, call.op, call.module)
        seen = self._measured.get(key, 0)
        self._measured[key] = seen + 1
        if seen < MOST_MEASURED:
            call.stats = tensor_stats(result.detach(), call.op, classes=result.ndim >= 2)


def _stateful(origin: Origin) -> bool:
    return origin.stateful if isinstance(origin, Call) else bool(origin.state) or origin.carried


def _collect(value: Any, into: list[torch.Tensor]) -> None:
    if isinstance(value, torch.Tensor):
        into.append(value)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _collect(part, into)
    elif isinstance(value, dict):
        for part in value.values():
            _collect(part, into)


def _info(tensor: torch.Tensor) -> TensorInfo:
    return TensorInfo(
        tuple(map(int, tensor.shape)),
        str(tensor.dtype).removeprefix("torch."),
        tensor.requires_grad,
        tensor.device.type,
    )


def _graph_depth(tensor: torch.Tensor, most: int = 5000) -> int:
    """How many nodes the graph of a tensor has (counted up to `most`)."""
    todo: list[Any] = [tensor.grad_fn]
    found: set[Any] = set()
    while todo and len(found) < most:
        node = todo.pop()
        if node is not None and node not in found:
            found.add(node)
            todo.extend(parent for parent, _ in node.next_functions)
    return len(found)


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _storage(tensor: torch.Tensor) -> int:
    try:
        return tensor.untyped_storage()._cdata
    except (NotImplementedError, RuntimeError):
        return id(tensor)


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
