"""Examples of a torch data set as plain values: what is kept of one, and how it comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from seatrial.vault.sources.checks import refused

# Which leaf of an example is what, one letter each in order: NumPy's arrays and numbers are kept as tensors.
_TENSOR, _ARRAY, _NUMBER, _PLAIN = "tanp"
_PLAIN_TYPES = (bool, int, float, complex, str, bytes, type(None))


def packed(example: Any, number: int) -> tuple[Any, str]:
    """The example with tensors of its own in place of NumPy's arrays and numbers, and a letter for each leaf.

    Raises:
        UsageProblem: a part of it could only be kept as a pickle, with its number.
    """
    kinds: list[str] = []

    def leaf(value: Any) -> Any:
        kind, kept = _kept(value, number)
        kinds.append(kind)
        return kept

    return mapped(example, leaf, number), "".join(kinds)


def unpacked(example: Any, kinds: str) -> Any:
    """The example as the data set gave it."""
    letters = iter(kinds)

    def leaf(value: Any) -> Any:
        kind = next(letters)
        if kind == _ARRAY:
            return value.numpy()
        return value.numpy()[()] if kind == _NUMBER else value

    return mapped(example, leaf, 0)


def mapped(example: Any, leaf: Callable[[Any], Any], number: int) -> Any:
    """The example with each leaf of its tuples, lists and dicts replaced, in order."""
    if type(example) is dict:
        for key in example:
            if type(key) not in _PLAIN_TYPES:
                raise _unfit(f"the key {key!r} of a dict", number)
        return {key: mapped(value, leaf, number) for key, value in example.items()}
    if type(example) in (list, tuple):
        return type(example)(mapped(value, leaf, number) for value in example)
    return leaf(example)


def leaves(example: Any) -> Iterator[Any]:
    """All values in the example's tuples, lists and dicts."""
    if isinstance(example, dict):
        example = list(example.values())
    if isinstance(example, (list, tuple)):
        for value in example:
            yield from leaves(value)
    else:
        yield example


def size_of(example: Any) -> int:
    """About how many bytes the packed example has."""
    return sum(leaf.nbytes if isinstance(leaf, torch.Tensor) else 16 + len(str(leaf)) for leaf in leaves(example))


def raw(example: Any) -> bytes:
    """Bytes that are the same where packed examples are."""
    parts: list[bytes] = []
    for leaf in leaves(example):
        if isinstance(leaf, torch.Tensor):
            parts += [f"{leaf.dtype}{tuple(leaf.shape)}".encode(), leaf.reshape(-1).view(torch.uint8).numpy().tobytes()]
        else:
            parts.append(repr(leaf).encode())
    return b"\0".join(parts)


def as_numpy(value: Any) -> np.ndarray[Any, Any] | None:
    """A packed leaf as a numeric array; None where it is none."""
    if isinstance(value, torch.Tensor):
        return (value.float() if value.is_floating_point() and value.dtype != torch.float64 else value).numpy()
    return np.asarray(value) if isinstance(value, (bool, int, float)) else None


def _kept(value: Any, number: int) -> tuple[str, Any]:
    if isinstance(value, torch.Tensor):
        if value.layout is not torch.strided or value.is_quantized:
            raise _unfit(f"a tensor that is {value.layout}", number)
        # A copy: a view would be saved with all that it is a view of. Subclasses (of torchvision) are kept as plain tensors.
        return _TENSOR, value.detach().cpu().resolve_conj().resolve_neg().as_subclass(torch.Tensor).clone(
            memory_format=torch.contiguous_format
        )
    if isinstance(value, np.str_):
        return _PLAIN, str(value)
    if isinstance(value, (np.ndarray, np.generic)):
        try:
            tensor = torch.from_numpy(np.array(value, order="C"))
        except (TypeError, ValueError) as error:
            raise _unfit(f"a NumPy array of {value.dtype}", number) from error
        return (_ARRAY if isinstance(value, np.ndarray) else _NUMBER), tensor
    if type(value) not in _PLAIN_TYPES:
        raise _unfit(f"a {type(value).__module__}.{type(value).__qualname__}", number)
    return _PLAIN, value


def _unfit(found: str, number: int) -> Exception:
    picture = "PIL." in found
    return refused(
        "examples of tensors, NumPy arrays, numbers and strings in tuples, lists and dicts",
        f"{found} in example {number}",
        "unfit-example",
        "Turn pictures into tensors: transform=torchvision.transforms.ToTensor()."
        if picture
        else "Turn it into a tensor.",
    )
