"""The conditions under which a function is evaluated again and again: the same random numbers, everything in float64, custom
autograd functions by their forward alone."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from seatrial.step.custom import forward_of
from seatrial.step.generators import states
from seatrial.taps.patching import Patches

_NARROW = (torch.float32, torch.float16, torch.bfloat16)


class RandomState:
    """The states of the generators of torch, Python and NumPy at one moment, to return to before each evaluation."""

    def __init__(self) -> None:
        self._torch = states()
        self._python = random.getstate()
        numpy: Any = sys.modules.get("numpy")
        self._numpy = (numpy.random, numpy.random.get_state()) if numpy is not None else None

    def restore(self) -> None:
        self._torch.put_back()
        random.setstate(self._python)
        if self._numpy is not None:
            module, state = self._numpy
            module.set_state(state)


@contextmanager
def undisturbed() -> Generator[RandomState]:
    """Evaluations inside leave the generators and torch's settings as they were; warnings are not shown."""
    state = RandomState()
    fast = torch.backends.mha.get_fastpath_enabled()
    dtype = torch.get_default_dtype()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Attention's fast path exists without gradients only: both sides are to take the same way, which is also the
            # one that is quick in batches.
            torch.backends.mha.set_fastpath_enabled(False)
            with sdpa_kernel(SDPBackend.MATH):
                yield state
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        torch.set_default_dtype(dtype)
        state.restore()


class InDouble(TorchFunctionMode):
    """Casts to narrower floating types become casts to float64, and statistics that normalisations keep are not updated
    (in training mode the output does not depend on them)."""

    def __init__(self) -> None:
        super().__init__()
        self._before = torch.get_default_dtype()

    def __enter__(self) -> InDouble:
        self._before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        return super().__enter__()

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        torch.set_default_dtype(self._before)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        args, kwargs = widened(args), {key: widened(value) for key, value in (kwargs or {}).items()}
        if name in ("float", "half", "bfloat16"):
            return args[0].double()
        if func in (torch.batch_norm, torch.instance_norm) and args[5]:
            args = (*args[:3], None, None, *args[5:])
        return func(*args, **kwargs)


def widened(value: Any) -> Any:
    """Arguments with float64 in the place of narrower floating types."""
    if isinstance(value, torch.dtype):
        return torch.float64 if value in _NARROW else value
    if type(value) in (tuple, list):
        return type(value)(widened(part) for part in value)
    if isinstance(value, dict):
        return {key: widened(part) for key, part in value.items()}
    return value


@contextmanager
def by_forward(only: Callable[[type], bool] = lambda function: True) -> Generator[None]:
    """Custom autograd functions are computed by their forward alone while this is in force."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(cls: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
            return forward_of(cls, args) if only(cls) and not kwargs else original(cls, *args, **kwargs)

        return apply

    with _patched(make):
        yield


Application = tuple[type[torch.autograd.Function], tuple[Any, ...]]


@contextmanager
def applications() -> Generator[list[Application]]:
    """Custom autograd functions called meanwhile, each with copies of the arguments that it really got."""
    found: list[Application] = []

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def apply(cls: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
            if not kwargs:
                found.append((cls, tuple(copied(value) for value in args)))
            return original(cls, *args, **kwargs)

        return apply

    with _patched(make):
        yield found


def copied(value: Any) -> Any:
    """A tensor without its history, that requires a gradient where it did; anything else as it is."""
    if not isinstance(value, torch.Tensor):
        return value
    return value.detach().clone().requires_grad_(value.requires_grad)


@contextmanager
def _patched(make: Callable[[Any], Callable[..., Any]]) -> Generator[None]:
    patches = Patches()
    patches.wrap(torch.autograd.Function, "apply", make)
    with ExitStack() as stack:
        stack.callback(patches.restore)
        yield


class Reattached(TorchFunctionMode):
    """`detach`, `.data` and `no_grad` have no effect: what the gradient would be if nothing were cut off."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        getter = getattr(getattr(func, "__self__", None), "__name__", "")
        if name in ("detach", "detach_") or (name == "__get__" and getter == "data"):
            return args[0] * 1
        if name == "_set_grad_enabled" and args and not args[0]:
            return None
        return func(*args, **(kwargs or {}))


class Unpadded(TorchFunctionMode):
    """Embeddings give their padding row a gradient like any other, and no row's is divided by its frequency."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.nn.functional.embedding:
            args = args[:2]
            kwargs = {key: value for key, value in kwargs.items() if key not in ("padding_idx", "scale_grad_by_freq")}
        return func(*args, **kwargs)
