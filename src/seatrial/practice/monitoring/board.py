"""Scalars and pictures for TensorBoard, written as they are heard."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import median
from typing import Any

from seatrial.errors import UsageProblem
from seatrial.events import CallSeen, EvaluationPass, Event, Filters, Look, Losses, ModelSeen, Settings, Units
from seatrial.history import Run
from seatrial.report.monitoring import monitoring
from seatrial.report.pictures import grid


class Board:
    """An events file of TensorBoard in a folder."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            UsageProblem: tensorboard is not installed.
        """
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError as error:
            raise UsageProblem(
                f"Expected the package tensorboard, found: {error}.",
                "no-tensorboard",
                "Install it (pip install seatrial[tensorboard]), or leave tensorboard=True out.",
            ) from error
        self._writer: Any = SummaryWriter(str(folder))
        self._paths: dict[int, str] = {}
        self._lines: dict[int, str] = {}

    def hear(self, event: Event) -> None:
        """Write what an event has to tell."""
        match event:
            case ModelSeen():
                self._paths |= {each.parameter: each.path for each in event.parameters}
            case CallSeen() if event.kind == "backward" and event.where is not None:
                self._lines[event.call] = f"line {event.where.line}"
            case Losses():
                name = f"loss/training {self._lines.get(event.call, '')}".strip()
                for tick, value in zip(event.ticks, event.values, strict=True):
                    self._scalar(name, value, tick)
            case Settings(name="lr"):
                for tick, value in zip(event.ticks, event.values, strict=True):
                    self._scalar(f"learning rate/optimizer {event.optimizer} group {event.group}", value, tick)
            case EvaluationPass():
                for name, value in event.losses.items():
                    self._scalar(f"loss/{event.label or 'evaluation'} {name}", value, event.tick)
            case Units():
                for name, dead, saturated in zip(event.names, event.dead, event.saturated, strict=True):
                    self._scalar(f"dead units/{name}", dead, event.tick)
                    self._scalar(f"saturated outputs/{name}", saturated, event.tick)
            case Look():
                self._look(event)
            case Filters():
                self._filters(event)
            case _:
                pass

    def _scalar(self, name: str, value: float, tick: int) -> None:
        if math.isfinite(value):
            self._writer.add_scalar(name, value, tick)

    def _look(self, look: Look) -> None:
        norms = [norm for norm in look.gradient_norm if math.isfinite(norm)]
        self._scalar("gradient norm/all", math.sqrt(math.fsum(norm * norm for norm in norms)), look.tick)
        ratios: list[float] = []
        rows = zip(look.parameters, look.gradient_norm, look.update_norm, look.weight_norm, strict=True)
        for number, norm, update, weight in rows:
            path = self._paths.get(number, f"parameter {number}")
            self._scalar(f"gradient norm/{path}", norm, look.tick)
            if weight > 0:
                ratios.append(update / weight)
                self._scalar(f"update over weights/{path}", update / weight, look.tick)
        if ratios:
            self._scalar("update over weights/median", median(ratios), look.tick)

    def _filters(self, filters: Filters) -> None:
        path = self._paths.get(filters.parameter, f"parameter {filters.parameter}")
        self._scalar(f"roughness of filters/{path}", filters.roughness, filters.tick)
        if not filters.pixels:
            return
        import numpy as np

        (layer,) = monitoring(Run.of([filters])).filters
        rows, depth = grid(layer.pictures[0])
        pixels = np.array([list(row) for row in rows], dtype=np.uint8).reshape(len(rows), -1, depth)
        self._writer.add_image(f"filters/{path}", pixels, filters.tick, dataformats="HWC")

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
