"""A model that does not change any more, known by the hash of its weights."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seatrial.errors import UsageProblem
from seatrial.vault.refusal import disk_errors


@dataclass(frozen=True, slots=True)
class Frozen:
    """A hash (SHA-256, hexadecimal), what it is of, and how to take it again."""

    hash: str
    of: str
    again: Callable[[], str]


def frozen(model: Any) -> Frozen:
    """The hash of a model: a file of weights, a torch module, or a dict of arrays or tensors (such as a state dict).

    Raises:
        UsageProblem: it is something else, or there is no such file.
    """
    if isinstance(model, (str, Path)):
        path = Path(model)
        take, of = (lambda: _of_file(path)), f"the file {path.name}"
    elif isinstance(model, Mapping):
        take, of = (lambda: _of_arrays(model)), f"{len(model)} arrays"
    elif _is_module(model):
        take, of = (lambda: _of_arrays(model.state_dict())), f"the state of a {type(model).__name__}"
    else:
        raise UsageProblem(
            f"Expected a frozen model (a file of weights, a torch module, a dict of arrays), found {type(model).__name__}.",
            "vault-model",
            "Save what has been learnt to a file and give its path.",
        )
    return Frozen(take(), of, take)


def array_hash(name: str, array: Any) -> bytes:
    """The hash of an array: name, type, shape and bytes. Tensors are read where they lie, one at a time."""
    digest = hashlib.sha256()
    if "torch" in sys.modules and isinstance(array, sys.modules["torch"].Tensor):
        import torch

        tensor: Any = array.detach().cpu().contiguous()
        kind, content = str(tensor.dtype), tensor.reshape(-1).view(torch.uint8).numpy().data
    else:
        values = np.ascontiguousarray(array)
        kind = str(values.dtype)
        content = str(values.tolist()).encode() if values.dtype.hasobject else values.reshape(-1).view(np.uint8).data
    digest.update(f"{name}\n{kind}\n{tuple(np.shape(array))}\n".encode())
    digest.update(content)
    return digest.digest()


def _is_module(model: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _of_file(path: Path) -> str:
    with disk_errors("Reading the weights", path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_arrays(arrays: Mapping[str, Any]) -> str:
    parts = [array_hash(str(name), arrays[name]) for name in sorted(arrays)]
    return hashlib.sha256(b"".join(parts)).hexdigest()
