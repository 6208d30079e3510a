"""seatrial puts a PyTorch training program through its trials. Importing it does not import torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.trials.gradients.layers import check_gradients
    from seatrial.trials.gradients.report import GradientReport

__version__ = "0.1.0"
__all__ = ["GradientReport", "__version__", "check_gradients"]


def __getattr__(name: str) -> Any:
    if name == "check_gradients":
        from seatrial.trials.gradients.layers import check_gradients

        return check_gradients
    if name == "GradientReport":
        from seatrial.trials.gradients.report import GradientReport

        return GradientReport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
