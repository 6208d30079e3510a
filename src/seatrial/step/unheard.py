"""Working with a program's tensors so that nothing in it hears of it: no subclass of Tensor, no mode of its own."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from operator import attrgetter
from types import TracebackType
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes  # pyright: ignore[reportPrivateUsage]

_dispatch_modes = torch._C._len_torch_dispatch_stack
_function_modes = torch._C._len_torch_function_stack
_dispatch_of: Any = attrgetter("__torch_dispatch__")
_NOTHING = nullcontext()


class Unheard:
    """A context in which neither `__torch_function__` nor a mode (of functions or of dispatch) is called.

    Nor does Python search for garbage cycles in it: what we make is kept, so that a search, which goes through all that torch has made since it was
    imported (0.1 s and more), would find nothing. A step of 40,000 calls set off several."""

    __slots__ = ("_collecting", "_dispatch", "_functions")

    def __enter__(self) -> None:
        self._collecting = gc.isenabled()
        gc.disable()
        self._functions = torch._C.DisableTorchFunction()
        self._functions.__enter__()
        self._dispatch: Any = _disable_current_modes() if _dispatch_modes() else None
        if self._dispatch is not None:
            self._dispatch.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dispatch is not None:
            self._dispatch.__exit__(kind, error, trace)
        self._functions.__exit__(kind, error, trace)
        if self._collecting:
            gc.enable()


def unheard(looking: bool) -> Unheard | nullcontext[None]:
    """The context where it is needed: while something is looked at, or where the program has a mode of its own."""
    return Unheard() if looking or _dispatch_modes() or _function_modes() else _NOTHING


def speaks(tensor: torch.Tensor) -> bool:
    """Whether operations on a tensor call code of its class (`__torch_dispatch__`), whatever is switched off."""
    return _dispatch_of(type(tensor)) is not _dispatch_of(torch.Tensor)
