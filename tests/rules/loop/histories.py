"""Hand-made histories of training loops: what was called in which order, without running anything."""

from __future__ import annotations

import ast
import itertools
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from seatrial.events import (
    CallSeen,
    Event,
    GroupInfo,
    Look,
    ModelSeen,
    ModuleInfo,
    OptimizerBuilt,
    ParameterFate,
    ParameterInfo,
    Place,
    RunEnded,
    SourceSeen,
    Turns,
)
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import discover

NAN = float("nan")
FILE = "train.py"
ENDED = RunEnded("completed", 0, "", None, 1000, 1000, 1.0, 0.0)


class History:
    """A run that is put together call by call. A call is written "kind", "kind:detail" or "kind:detail@line" with its
    subject in front: "0 zero_grad", "1 forward:train grad@12"; without a subject it is 0 (-1 for backward and clip)."""

    def __init__(self, source: str = "") -> None:
        self.events: list[Event] = [SourceSeen(FILE, textwrap.dedent(source))]
        self._calls: dict[str, int] = {}
        self._tick = 0
        ast.parse(textwrap.dedent(source))

    def add(self, *events: Event) -> History:
        self.events += events
        return self

    def turns(self, times: int, *calls: str, complete: bool = True) -> History:
        """So many equal turns, as the record codes them."""
        numbers, counts = [], []
        for text, group in itertools.groupby(calls):
            numbers.append(self._call(text))
            counts.append(len(list(group)))
        self.events.append(Turns(self._tick, times, tuple(numbers), tuple(counts), complete))
        self._tick += times * sum("backward" in call for call in calls)
        return self

    def _call(self, text: str) -> int:
        if text not in self._calls:
            head, _, line = text.partition("@")
            head, _, detail = head.partition(":")
            subject, _, kind = head.rpartition(" ")
            where = Place(FILE, int(line)) if line else Place(FILE, len(self._calls) + 1)
            number = self._calls[text] = len(self._calls)
            alone = -1 if kind in ("backward", "clip", "scaler") else 0
            detail = detail or ("backward" if kind == "backward" else "")
            self.events.append(CallSeen(number, kind, int(subject) if subject else alone, detail, where))
        return self._calls[text]

    def optimizer(self, number: int, parameters: Sequence[int], kind: str = "SGD", **more: Any) -> History:
        group = GroupInfo(tuple(parameters), more.pop("settings", {"lr": 0.1}))
        where = more.pop("where", Place(FILE, 1))
        return self.add(OptimizerBuilt(more.pop("tick", 0), number, kind, (group,), where, **more))

    def model(self, number: int, parameters: Sequence[int], modules: Iterable[ModuleInfo] = (), **more: Any) -> History:
        infos = tuple(ParameterInfo(p, f"layer.p{p}", (4, 4), "float32", True, False, {}) for p in parameters)
        root = ModuleInfo("", "Net", Place(FILE, 1), True, {})
        layer = ModuleInfo("layer", "Linear", Place(FILE, 1), True, {})
        seen = ModelSeen(0, number, "model", "Net", Place(FILE, 1), None, (root, layer, *modules), infos, **more)
        return self.add(seen)

    def fate(self, parameter: int, **more: Any) -> History:
        known = {"changed": True, "had_gradient": True, "requires_grad": True, "optimizers": (0,)} | more
        return self.add(ParameterFate(parameter, f"layer.p{parameter}", 0, row_spread=1.0, column_spread=1.0, **known))

    def look(self, tick: int, optimizer: int, parameters: Sequence[int], gradient: float, stale: float) -> History:
        each = len(parameters)
        zeros = (0.0,) * each
        columns = ((1.0,) * each, (gradient,) * each, (gradient,) * each, zeros, (0,) * each, zeros)
        return self.add(Look(tick, optimizer, tuple(parameters), *columns, stale=(stale,) * each))

    def judged(self, name: str) -> list[Finding]:
        """What one rule says of it."""
        rule = discover()[name]
        return list(rule.check(Run.of([*self.events, ENDED]), rule.limits))

    def alarms(self, name: str) -> list[Finding]:
        return [finding for finding in self.judged(name) if finding.severity != "note"]
