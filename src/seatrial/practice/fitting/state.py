"""All that decides how a training goes on, as plain values that a file can hold; taken, compared and put back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from seatrial.errors import UsageProblem
from seatrial.practice.made import Made
from seatrial.practice.refusal import failed

FORMAT = 1
_PLAIN = (bool, int, float, torch.Tensor)


def of_made(made: Made) -> dict[str, Any]:
    """The state of a model, its loss, its optimizer and its schedules."""
    return {
        "model": _of_module(made.model),
        "loss": _of_module(made.loss) if isinstance(made.loss, nn.Module) else {},
        "optimizer": plain(made.optimizer.state_dict()),
        "schedules": [plain(each.scheduler.state_dict()) for each in made.schedules],
    }


def restore_made(made: Made, saved: dict[str, Any]) -> None:
    """Put it back.

    Raises:
        UsageProblem: it is of another model, optimizer or schedule.
    """
    try:
        _restore_module(made.model, saved["model"])
        if isinstance(made.loss, nn.Module):
            _restore_module(made.loss, saved["loss"])
        for each, state in zip(made.schedules, saved["schedules"], strict=True):
            each.scheduler.load_state_dict(state)
        made.optimizer.load_state_dict(saved["optimizer"])
    except (RuntimeError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise failed("Going on with the training", error, "The task is another one now: train it anew.") from error


def check(saved: dict[str, Any], decisive: dict[str, Any]) -> None:
    """Refuse a state of another form, or of a training with other settings.

    Raises:
        UsageProblem: it is one.
    """
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:  # pyright: ignore[reportUnnecessaryIsInstance]
        found = saved.get("format") if isinstance(saved, dict) else None  # pyright: ignore[reportUnnecessaryIsInstance]
        newer = isinstance(found, int) and found > FORMAT
        hint = "It is of a newer seatrial: go on with that one." if newer else "Train anew in another folder."
        raise UsageProblem(
            f"Expected the state of a training in format {FORMAT}, found format {found!r}.", "fit-format", hint
        )
    before = saved.get("settings", {})
    other = [
        f"{name} {before.get(name)!r} before and {value!r} now"
        for name, value in decisive.items()
        if before.get(name) != value
    ]
    if other:
        raise UsageProblem(
            f"Expected the settings that this training began with, found {', '.join(other)}.",
            "fit-other-settings",
            "Go on with the same, or train anew in another folder.",
        )


def plain(value: Any) -> Any:
    """A value without types that `torch.load` refuses where it executes nothing: numbers of numpy, subclasses of dict."""
    if isinstance(value, dict):
        return {plain(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(plain(part) for part in value)
    if isinstance(value, np.generic):
        return value.item()
    return value


def _of_module(module: nn.Module) -> dict[str, Any]:
    return {
        "weights": plain(module.state_dict()),
        "others": dict(_buffers(module)),
        "attributes": {f"{path}|{name}": value for path, name, value in _attributes(module)},
    }


def _restore_module(module: nn.Module, saved: dict[str, Any]) -> None:
    module.load_state_dict(saved["weights"])
    with torch.no_grad():
        for name, buffer in _buffers(module):
            buffer.copy_(saved["others"][name])
    modules = dict(module.named_modules())
    for key, value in saved["attributes"].items():
        path, _, name = key.rpartition("|")
        before = getattr(modules[path], name)
        setattr(modules[path], name, value.to(before.device) if isinstance(before, torch.Tensor) else value)


def _buffers(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Buffers that the state dict leaves out."""
    known = module.state_dict()
    return ((name, buffer) for name, buffer in module.named_buffers() if name not in known)


def _attributes(module: nn.Module) -> Iterator[tuple[str, str, Any]]:
    """Numbers and tensors that modules keep as plain attributes: counters of calls, averages that are no buffers."""
    for path, each in module.named_modules():
        for name, value in vars(each).items():
            if not name.startswith("_") and name != "training" and type(value) in _PLAIN:
                yield path, name, value.detach() if isinstance(value, torch.Tensor) else value
