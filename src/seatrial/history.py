"""The events of a run, indexed, as rules read them. Pure data: built anew from any record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from seatrial.events import (
    BatchSeen,
    CallSeen,
    Checkpoint,
    Clips,
    EvaluationPass,
    Event,
    GeneratorUsed,
    GraphKept,
    GraphSeen,
    LoaderBuilt,
    LoaderIterated,
    Look,
    Losses,
    ModelSeen,
    NotLookedAt,
    OptimizerBuilt,
    ParameterFate,
    ParameterInfo,
    Place,
    Probe,
    RankStarted,
    RunEnded,
    RunStarted,
    SchedulerBuilt,
    SeedSet,
    Settings,
    SourceSeen,
    StateKept,
    TorchSeen,
    Turns,
)

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Series:
    """Values over ticks (a tick is one call of backward)."""

    ticks: tuple[int, ...]
    values: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.values)


@dataclass
class Run:
    """A run as its rules see it. Lists are in order of appearance."""

    events: tuple[Event, ...]
    sources: dict[str, str] = field(default_factory=dict)
    calls: dict[int, CallSeen] = field(default_factory=dict)
    models: dict[int, ModelSeen] = field(default_factory=dict)
    optimizers: dict[int, OptimizerBuilt] = field(default_factory=dict)
    schedulers: dict[int, SchedulerBuilt] = field(default_factory=dict)
    loaders: dict[int, LoaderBuilt] = field(default_factory=dict)
    losses: dict[int, Series] = field(default_factory=dict)
    settings: dict[tuple[int, int, str], Series] = field(default_factory=dict)
    clips: dict[int, Clips] = field(default_factory=dict)
    turns: list[Turns] = field(default_factory=list)
    graphs: list[GraphSeen] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    batches: list[BatchSeen] = field(default_factory=list)
    passes: list[EvaluationPass] = field(default_factory=list)
    fates: dict[int, ParameterFate] = field(default_factory=dict)
    not_looked_at: list[NotLookedAt] = field(default_factory=list)
    # Where several processes trained together: the runs of all of them, in order of their ranks, this one among them.
    ranks: list[Run] = field(default_factory=list)
    _kinds: dict[type, list[Any]] = field(default_factory=dict, repr=False, compare=False)

    @staticmethod
    def of(events: Iterable[Event]) -> Run:
        """Index events (in the order in which they were sent)."""
        run = Run(tuple(events))
        for event in run.events:
            run._index(event)
        return run

    def _index(self, event: Event) -> None:
        match event:
            case SourceSeen(file, text):
                self.sources[file] = text
            case CallSeen():
                self.calls[event.call] = event
            case ModelSeen():
                self.models[event.model] = event
            case OptimizerBuilt():
                self.optimizers[event.optimizer] = event
            case SchedulerBuilt():
                self.schedulers[event.scheduler] = event
            case LoaderBuilt():
                self.loaders[event.loader] = event
            case Losses(call, ticks, values):
                _extend(self.losses, call, ticks, values)
            case Settings():
                _extend(self.settings, (event.optimizer, event.group, event.name), event.ticks, event.values)
            case Clips():
                self._index_clips(event)
            case Turns():
                self.turns.append(event)
            case GraphSeen():
                self.graphs.append(event)
            case Look():
                self.looks.append(event)
            case BatchSeen():
                self.batches.append(event)
            case EvaluationPass():
                self.passes.append(event)
            case ParameterFate():
                self.fates[event.parameter] = event
            case NotLookedAt():
                self.not_looked_at.append(event)
            case _:
                pass

    def _index_clips(self, new: Clips) -> None:
        old = self.clips.get(new.call)
        if old is not None:
            ticks, norms = old.ticks + new.ticks, old.norms + new.norms
            new = Clips(new.call, ticks, norms, new.bound, new.tensors, new.with_gradient, new.parameters)
        self.clips[new.call] = new

    def every(self, kind: type[E]) -> list[E]:
        """All events of a class, in order (for the rarer kinds that have no index of their own)."""
        if kind not in self._kinds:
            self._kinds[kind] = [event for event in self.events if isinstance(event, kind)]
        return list(self._kinds[kind])

    @property
    def started(self) -> RunStarted | None:
        return next(iter(self.every(RunStarted)), None)

    @property
    def ended(self) -> RunEnded | None:
        """None where the run was killed: then all that was recorded until that moment is there."""
        return next(iter(self.every(RunEnded)), None)

    @property
    def rank(self) -> int:
        """Which one of several processes; 0 where it is alone."""
        return next((each.rank for each in self.every(RankStarted)), 0)

    @property
    def training_graphs(self) -> list[GraphSeen]:
        return [graph for graph in self.graphs if graph.kind == "training"]

    @property
    def evaluation_graphs(self) -> list[GraphSeen]:
        return [graph for graph in self.graphs if graph.kind == "evaluation"]

    @property
    def ticks(self) -> int:
        """Number of backward calls seen."""
        last = [series.ticks[-1] + 1 for series in self.losses.values() if len(series)]
        return max([self.ended.ticks if self.ended else 0, *last])

    @property
    def main_call(self) -> int | None:
        """The backward call with the most losses: what a person would call the training loss."""
        return max(self.losses, key=lambda call: len(self.losses[call]), default=None)

    def parameter(self, parameter: int) -> tuple[ModelSeen, ParameterInfo] | None:
        """The model that owns a parameter and what is known of it, the latest word first."""
        for model in reversed([event for event in self.events if isinstance(event, ModelSeen)]):
            for info in model.parameters:
                if info.parameter == parameter:
                    return model, info
        return None

    def probes(self, kind: str) -> list[Probe]:
        return [probe for probe in self.every(Probe) if probe.kind == kind]

    def calls_of(self, kind: str) -> list[CallSeen]:
        return [call for call in self.calls.values() if call.kind == kind]

    def line(self, place: Place) -> str:
        """The source line at a place, stripped; empty where the source is not known."""
        lines = self.sources.get(place.file, "").splitlines()
        return lines[place.line - 1].strip() if 0 < place.line <= len(lines) else ""


def _extend(into: dict[E, Series], key: E, ticks: tuple[int, ...], values: tuple[float, ...]) -> None:
    old = into.get(key, Series((), ()))
    into[key] = Series(old.ticks + ticks, old.values + values)


__all__ = [
    "Checkpoint",
    "GeneratorUsed",
    "GraphKept",
    "LoaderIterated",
    "Run",
    "SeedSet",
    "Series",
    "StateKept",
    "TorchSeen",
]
