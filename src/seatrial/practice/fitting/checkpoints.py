"""What a training leaves on disk: weights as safetensors, and the state from which it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from seatrial.errors import UsageProblem
from seatrial.files import replace_by
from seatrial.practice.task import Task
from seatrial.practice.unchanged import unchanged

STATE, BEST, LAST = "state.pt", "best.safetensors", "last.safetensors"


def epoch_file(number: int) -> str:
    """The file with the weights after an epoch."""
    return f"epoch-{number:04}.safetensors"


def clear(folder: Path) -> None:
    """Take away what an earlier training left: nobody is to go on with it by mistake."""
    for path in (
        *(folder / name for name in (STATE, BEST, LAST, "history.json", "training.json")),
        *folder.glob("epoch-*.safetensors"),
    ):
        path.unlink(missing_ok=True)


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the weights and buffers of a model; as a whole or not at all."""
    from safetensors.torch import save_model

    replace_by(path, lambda partial: save_model(model, str(partial)))


def load_weights(model: nn.Module, path: Path) -> None:
    """Put weights and buffers into a model.

    Raises:
        UsageProblem: they are no weights of this model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    try:
        load_model(model, str(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        hint = "Give weights that this task's model has learnt."
        raise UsageProblem(
            f"Expected the weights of {type(model).__name__} in {path}, found: {error}.", "fit-weights", hint
        ) from error


def trained_model(task: Task, path: Path) -> nn.Module:
    """The task's model with weights from a file, in evaluation mode. Making it draws no random numbers of the process.

    Raises:
        UsageProblem: they are no weights of it.
    """
    with unchanged():
        model = task.make().model
    load_weights(model, path)
    return model.eval()


def save_state(state: dict[str, Any], folder: Path) -> None:
    """Write what is needed to go on; the old state stands until the new one is complete."""
    replace_by(folder / STATE, lambda partial: torch.save(state, partial))


def load_state(folder: Path) -> dict[str, Any]:
    """What was saved. Nothing in it is executed.

    Raises:
        UsageProblem: there is none, or it cannot be read.
    """
    path = folder / STATE
    if not path.exists():
        hint = "Leave out --resume to begin anew."
        raise UsageProblem(f"Expected a training to go on with in {folder}, found no {STATE}.", "fit-no-state", hint)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        hint = "It cannot be used: train anew in another folder."
        raise UsageProblem(f"Expected the state of a training in {path}, found: {error}.", "fit-state", hint) from error
