"""Sends the graphs of forward passes that train nothing, a few of each model."""

from __future__ import annotations

import math
from types import FrameType

from seatrial.places import place_of
from seatrial.step.capture import Out
from seatrial.step.graph import describe
from seatrial.taps.models import Models
from seatrial.taps.watch import Watch

MOST_EVALUATION_GRAPHS = 3


class EvaluationGraphs:
    """How many were sent of each model."""

    def __init__(self, watch: Watch, models: Models) -> None:
        self.watch = watch
        self.models = models
        self._sent: dict[int, int] = {}

    def wanted(self, model: int) -> bool:
        """Whether another one of this model is worth its cost."""
        return self._sent.get(model, 0) < MOST_EVALUATION_GRAPHS

    def send(self, roots: list[Out], model: int, frame: FrameType) -> None:
        """Send the graph that ends in the results of a model, which was called at `frame`."""
        self._sent[model] = self._sent.get(model, 0) + 1
        described = describe(
            roots,
            tick=self.watch.tick,
            kind="evaluation",
            call=-1,
            model=model,
            value=math.nan,
            place=place_of(frame),
            training=self.models.in_training_mode(),
            predictions=roots,
            exits=[],
        )
        self.watch.graph(described.seen)
