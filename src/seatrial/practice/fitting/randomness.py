"""The states of all generators that a training draws from, as plain values that a file can hold."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

_DEEPEST = 5  # objects within objects: a data set in a Subset in a ConcatDataset, its transform, the generator


def state(*holders: Any) -> dict[str, Any]:
    """The states of the global generators of Python, numpy, torch and its devices, and of those that the holders (data sets,
    modules) have as attributes."""
    return {
        "python": _of_python(random),
        "numpy": _of_numpy(np.random.get_state(legacy=False)),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
        "own": [_of(generator) for generator in generators_in(*holders)],
    }


def restore(saved: dict[str, Any], *holders: Any) -> None:
    """Put the generators back into a state.

    Raises:
        ValueError: the holders have other generators now.
    """
    random.setstate(_to_python(saved["python"]))
    np.random.set_state(_to_numpy(saved["numpy"]))
    torch.set_rng_state(saved["torch"])
    if saved["cuda"]:
        torch.cuda.set_rng_state_all(saved["cuda"])
    for generator, own in zip(generators_in(*holders), saved["own"], strict=True):
        _put(generator, own)


def generators_in(*holders: Any) -> list[Any]:
    """Generators that objects hold, each once, in the order of their attributes."""
    seen: dict[int, Any] = {}
    return [each for holder in holders for each in _walk(holder, 0, seen)]


def _walk(value: Any, depth: int, seen: dict[int, Any]) -> Iterator[Any]:
    if id(value) in seen or depth > _DEEPEST or isinstance(value, (torch.Tensor, np.ndarray, type)):
        return
    parts = _parts(value)
    if parts is None:
        return
    seen[id(value)] = value
    if isinstance(value, (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)):
        yield value
        return
    for part in parts:
        yield from _walk(part, depth + 1, seen)


def _parts(value: Any) -> list[Any] | None:
    """What an object holds; None where that is of no interest. Of long lists (examples) only the beginning."""
    if isinstance(value, (list, tuple)):
        return list(value[:32])
    if isinstance(value, dict):
        return list(value.values())[:64]
    if isinstance(value, nn.Module):
        return [*(part for name, part in vars(value).items() if not name.startswith("_")), *value.children()]
    if isinstance(value, (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)):
        return []
    held = getattr(value, "__dict__", None)
    return list(held.values()) if isinstance(held, dict) else None


# ---- one generator -----------------------------------------------------------------------------------------------


def _of(generator: Any) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, random.Random):
        return _of_python(generator)
    if isinstance(generator, np.random.RandomState):
        return _of_numpy(generator.get_state(legacy=False))
    return _of_numpy(generator.bit_generator.state)


def _put(generator: Any, saved: Any) -> None:
    if isinstance(generator, torch.Generator):
        generator.set_state(saved)
    elif isinstance(generator, random.Random):
        generator.setstate(_to_python(saved))
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(_to_numpy(saved))
    else:
        generator.bit_generator.state = _to_numpy(saved)


def _of_python(generator: Any) -> list[Any]:
    version, numbers, gauss = generator.getstate()
    return [version, list(numbers), gauss]


def _to_python(saved: list[Any]) -> tuple[Any, ...]:
    version, numbers, gauss = saved
    return version, tuple(numbers), gauss


def _of_numpy(value: Any) -> Any:
    """The state of a bit generator, whose numbers may be larger than any of a file's: as text."""
    if isinstance(value, dict):
        return {str(key): _of_numpy(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return [str(value.dtype), *(str(part) for part in value.tolist())]
    return str(value) if isinstance(value, int) else float(value) if isinstance(value, float) else value


def _to_numpy(saved: Any) -> Any:
    if isinstance(saved, dict):
        return {key: part if key == "bit_generator" else _to_numpy(part) for key, part in saved.items()}
    if isinstance(saved, list):
        return np.array([int(part) for part in saved[1:]], dtype=saved[0])
    return int(saved) if isinstance(saved, str) else saved
