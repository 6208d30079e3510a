"""Forward passes that train nothing, gathered into evaluation passes."""

from __future__ import annotations

import re
from linecache import getline
from types import FrameType
from typing import Any

import torch

from seatrial.events import EvaluationPass, Place
from seatrial.measure.access import kept, read_later
from seatrial.measure.batches import sketch
from seatrial.places import chain, segment, user_frame
from seatrial.taps.recording import Recording
from seatrial.taps.sketches import send_batch
from seatrial.taps.watch import Watch

# Of the passes made from one line, so many are sent; afterwards every power-of-two share.
MOST_PASSES = 200
MOST_ROWS = 4096
# So many of the user's lines on the stack tell one pass from another.
MOST_LINES = 6
# Batches are sketched (and their examples hashed) in so many passes from one line.
SKETCHED_PASSES = 3
_LABELS = {
    "test": re.compile(r"(?<![a-z])(test|tst|holdout|held_?out)(?![a-su-z])"),
    "val": re.compile(r"(?<![a-z])(val|valid|validation|validate|dev)(?![a-z])"),
    "train": re.compile(r"(?<![a-z])(train|trn)(?![a-z])"),
}


class EvaluationLog:
    """The pass that is going on, if any. A pass ends at a backward call, or when another line (or another call on the
    same line, or the same line reached from another one), model or data set begins one."""

    def __init__(self, watch: Watch, recording: Recording) -> None:
        self.watch = watch
        self.recording = recording
        self._key: tuple[Any, ...] | None = None
        self._counts: dict[tuple[Any, ...], int] = {}
        self._count = 0  # of the pass that is going on among those like it
        self._labels: dict[tuple[Any, ...], str] = {}  # by call
        self._reset()

    def _reset(self) -> None:
        self._forwards = self._examples = self._training = self._grad = 0
        self._losses: dict[str, list[tuple[Any, int]]] = {}
        self._rows: list[int] = []
        self._sketched = False  # whether the batch that entered last was
        self._lines: tuple[Place, ...] = ()
        self._label = ""
        self._data = -1

    def forward(self, model: int, training: bool, grad: bool, args: tuple[Any, ...], frame: FrameType) -> None:
        """A forward pass that is no training step."""
        data = self.watch.last_data
        lines = chain(frame, MOST_LINES)
        user = user_frame(frame)
        key = (model, lines, user.f_lasti if user is not None else 0, data)
        if key != self._key:
            self.end()
            self._key = key
            self._lines, self._data = lines, data
            self._count = self._counts[key] = self._counts.get(key, 0) + 1
            self._label = self._named(lines, user) if self._sent() else ""
        self._forwards += 1
        self._training += training
        self._grad += grad
        batch = next((value for value in args if isinstance(value, torch.Tensor) and value.ndim), None)
        self._sketched = False
        if batch is None:
            return
        self._examples += len(batch)
        if self._count <= SKETCHED_PASSES and len(self._rows) < MOST_ROWS:
            self._sketched = True
            self._sketch(batch, model)

    def _named(self, lines: tuple[Place, ...], user: FrameType | None) -> str:
        """What the author calls the data of a call: its source, which is read once, says so."""
        at = (lines, user.f_lasti if user is not None else 0)
        label = self._labels.get(at)
        if label is None:
            label = self._labels[at] = label_of(lines, segment(user))
        return label

    def _sketch(self, batch: torch.Tensor, model: int) -> None:
        figures = sketch(batch)
        self.watch.examples.input("evaluation", model, self.watch.tick, batch)
        if figures is not None:
            self._rows += figures.rows
            dtype = str(batch.dtype).removeprefix("torch.")
            send_batch(self.watch, figures, "evaluation", "input", 0, model, tuple(batch.shape), dtype)

    @property
    def tracks_gradients(self) -> bool:
        """Whether a pass is going on, all of it with gradients enabled: then a loss that could learn may be of its answers."""
        return self._key is not None and self._grad == self._forwards

    def target(self, target: torch.Tensor) -> None:
        """A loss compares answers of the pass with a target. It is sketched where the batch before it was."""
        if self._key is None or not self._sketched:
            return
        self._sketched = False
        figures = sketch(target)
        if figures is not None:
            model = self._key[0]
            send_batch(self.watch, figures, "evaluation", "target", 0, model, figures.shape, figures.dtype)

    def loss(self, name: str, value: Any, examples: int, reduction: str) -> None:
        """A loss function was called while gradients are off (or the model is in evaluation mode)."""
        if self._key is not None and isinstance(value, torch.Tensor) and value.numel() == 1:
            self._losses.setdefault(name, []).append((kept(value), examples if reduction == "sum" else 0))

    def end(self) -> None:
        """The pass is over."""
        if self._key is None:
            return
        if self._forwards and self._sent():
            for place in self._lines:
                self.watch.source(place)
            self.watch.send(
                EvaluationPass(
                    tick=self.watch.tick,
                    model=self._key[0],
                    where=self._lines[0] if self._lines else None,
                    forwards=self._forwards,
                    examples=self._examples,
                    training=self._training / self._forwards,
                    grad_enabled=self._grad / self._forwards,
                    losses={name: _mean(values) for name, values in self._losses.items()},
                    rows=tuple(self._rows),
                    label=self._label,
                    data=self._data,
                    used_gradient=self.recording.gradients_since_step > 0,
                    callers=self._lines[1:],
                )
            )
        self._key = None
        self._reset()

    def _sent(self) -> bool:
        count = self._count
        return count <= MOST_PASSES or count % (1 << (count.bit_length() - 6)) == 0


def _mean(values: list[tuple[Any, int]]) -> float:
    """Mean of losses; a sum is divided by the number of its examples."""
    numbers = read_later([value for value, _ in values])
    return sum(number / (examples or 1) for number, (_, examples) in zip(numbers, values, strict=True)) / len(values)


def label_of(places: tuple[Place, ...], innermost: str = "") -> str:
    """What the author calls the data, from the innermost line or function name on the stack that names exactly one.
    `innermost` is the source of the innermost call, where a line has several."""
    for number, place in enumerate(places):
        line = getline(place.file, place.line)
        for text in (innermost, line) if innermost and not number else (line,):
            found = _label(re.sub(r"\.(train|eval)\(", ".(", text).lower(), place.function.lower())
            if found:
                return found
    return ""


def _label(text: str, function: str) -> str:
    for words in (re.sub(r"['\"].*?['\"]", "", text), text, function):
        named = [label for label, pattern in _LABELS.items() if pattern.search(words)]
        if len(named) == 1:
            return named[0]
    return ""
