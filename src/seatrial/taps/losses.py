"""Hears the loss functions of torch.nn.functional: values and targets of an evaluation, targets of the training."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch.compiler import is_compiling
from torch.nn import functional

from seatrial.measure.batches import sketch
from seatrial.step.unheard import unheard
from seatrial.taps.evaluation import EvaluationLog
from seatrial.taps.guarding import guarded
from seatrial.taps.sketches import send_batch
from seatrial.taps.watch import Watch

NAMES = (
    "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div poisson_nll_loss gaussian_nll_loss hinge_embedding_loss "
    "margin_ranking_loss triplet_margin_loss triplet_margin_with_distance_loss cosine_embedding_loss "
    "multi_margin_loss multilabel_margin_loss soft_margin_loss multilabel_soft_margin_loss ctc_loss"
)


def install(watch: Watch, log: EvaluationLog) -> None:
    """Listen. A loss that no gradient can come from is an evaluation's, and so is one that is made of the answers of an
    evaluation pass whose gradients nobody asks for. A loss made within another is not told of."""
    tap = _LossTap(watch, log)
    for name in NAMES.split():
        if name in vars(functional):
            watch.patches.wrap(functional, name, tap.make)


class _LossTap:
    def __init__(self, watch: Watch, log: EvaluationLog) -> None:
        self.watch = watch
        self.log = log
        self.inside = False
        self.note_value = guarded(watch, "the value of a loss", self._value)
        self.note_target = guarded(watch, "the target of a loss", self._target)

    def make(self, original: Callable[..., Any]) -> Callable[..., Any]:
        positions = {name: place for place, name in enumerate(inspect.signature(original).parameters)}
        watch = self.watch

        def loss(*args: Any, **kwargs: Any) -> Any:
            if is_compiling() or self.inside or not watch.hears():
                return original(*args, **kwargs)
            self.inside = True
            try:
                value = original(*args, **kwargs)
            finally:
                self.inside = False
            if isinstance(value, torch.Tensor):
                with unheard(type(value) is not torch.Tensor):
                    learns = value.requires_grad
                if not learns:
                    self.note_value(original.__name__, value, args, kwargs, positions)
                elif watch.sketching or self.log.tracks_gradients:
                    self.note_target(_argument("target", args, kwargs, positions), sys._getframe(1))
            return value

        return loss

    def _value(
        self, name: str, value: torch.Tensor, args: tuple[Any, ...], kwargs: dict[str, Any], positions: dict[str, int]
    ) -> None:
        first = args[0] if args else next(iter(kwargs.values()))
        examples = len(first) if isinstance(first, torch.Tensor) and first.ndim else 1
        reduction = _argument("reduction", args, kwargs, positions)
        target = _argument("target", args, kwargs, positions)
        if isinstance(target, torch.Tensor):
            self.watch.examples.target("evaluation", self.watch.tick, target)
            self.log.target(target)
        self.log.loss(name, value, examples, reduction if isinstance(reduction, str) else "mean")

    def _target(self, target: Any, frame: FrameType) -> None:
        if self.log.tracks_gradients:
            if isinstance(target, torch.Tensor):
                self.log.target(target)
            return
        figures = sketch(target)
        if figures is None:
            return
        self.watch.examples.target("training", self.watch.tick, target)
        model, where = self._last_model(), self.watch.place(frame)
        send_batch(self.watch, figures, "training", "target", 0, model, figures.shape, figures.dtype, where)

    def _last_model(self) -> int:
        """The model of the last forward pass of this turn, -1 where there was none."""
        keys = list(self.watch.calls)
        forwards = (keys[call] for call in reversed(self.watch.turns.now))
        return next((subject for kind, subject, _, _ in forwards if kind == "forward"), -1)


def _argument(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], positions: dict[str, int]) -> Any:
    """An argument by name, as Python would bind it; None where it was not given."""
    place = positions.get(name, len(args))
    return args[place] if place < len(args) else kwargs.get(name)
