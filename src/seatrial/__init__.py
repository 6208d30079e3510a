"""seatrial puts a PyTorch training program through its trials. Importing it does not import torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.practice.checking import check as check
    from seatrial.practice.outcome import Check as Check
    from seatrial.practice.task import Task as Task
    from seatrial.trials.gradients.layers import check_gradients as check_gradients
    from seatrial.trials.gradients.report import GradientReport as GradientReport

__version__ = "0.1.0"

_HOMES = {
    "Check": "practice.outcome",
    "GradientReport": "trials.gradients.report",
    "Task": "practice.task",
    "check": "practice.checking",
    "check_gradients": "trials.gradients.layers",
}


def __getattr__(name: str) -> Any:
    """What the Python API offers, imported when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
