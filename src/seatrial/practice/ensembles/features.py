"""A task's data as a table of numbers: for classical models, which know nothing of networks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seatrial.evaluation.predictions import Kind
from seatrial.files import replace_by
from seatrial.practice.fitting.order import Share, evaluation_loader
from seatrial.practice.predicting.predicting import ids_of, targets_of
from seatrial.practice.refusal import failed, refused, shown
from seatrial.practice.task import Data, Task
from seatrial.practice.unchanged import unchanged

_HINT = "Leave classical out of --kinds."


@dataclass(frozen=True, slots=True)
class Features:
    """values (n, d), the inputs of each example made flat; targets as `Predictions` has them; ids (n,)."""

    values: NDArray[np.float64]
    targets: NDArray[Any]
    ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    def at(self, rows: NDArray[Any]) -> Features:
        """Some of the examples."""
        return Features(self.values[rows], self.targets[rows], self.ids[rows])


def features(task: Task, data: Data, kind: Kind) -> Features:
    """The inputs and targets of all examples.

    Raises:
        UsageProblem: inputs are no tensors of one size, or reading them fails.
    """
    rows: list[NDArray[np.float64]] = []
    targets: list[torch.Tensor] = []
    with unchanged():
        try:
            for batch in evaluation_loader(task, data, Share()):
                inputs, others = task.split(batch)
                rows.append(_flat(inputs))
                targets.append(others[0])
            values = np.concatenate(rows)
        except (RuntimeError, ValueError) as error:
            raise failed("Making a table of the inputs", error, _HINT) from error
    return Features(values, targets_of(kind, torch.cat(targets)), ids_of(data))


def write(path: Path, arrays: dict[str, NDArray[Any]], **about: Any) -> None:
    """Arrays and plain values, as safetensors: nothing in the file is executed when it is read."""
    from safetensors.numpy import save_file

    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    replace_by(path, lambda partial: save_file(plain, str(partial), {"about": json.dumps(about)}))


def read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What `write` has written.

    Raises:
        UsageProblem: the file holds something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            about = json.loads(file.metadata()["about"])
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118  # no dict
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise refused(
            f"a classical member in {path}", str(error), "ensemble-member", "Make the ensemble anew."
        ) from error


def _flat(inputs: tuple[Any, ...]) -> NDArray[np.float64]:
    if not inputs or not all(isinstance(part, torch.Tensor) and part.ndim for part in inputs):
        raise refused("inputs that are tensors", ", ".join(map(shown, inputs)), "ensemble-features", _HINT)
    return np.concatenate([part.double().reshape(len(part), -1).cpu().numpy() for part in inputs], axis=1)
