"""The one vocabulary between listening and judging: frozen records of numbers and strings.

Taps and measures produce events, the record keeps them, rules read them. No event holds a tensor.

Time is counted in *ticks*: a tick is one call of backward (also `torch.autograd.grad` that a step is made from), from 0.
Ids (`model`, `optimizer`, `scheduler`, `parameter`, `call`) are small integers given in order of appearance.
"""

from __future__ import annotations

from typing import TypeAlias, get_args

from seatrial.events.basis import Place, Scalar
from seatrial.events.distributed import (
    WRAPPERS,
    Exchanged,
    GroupJoined,
    RankStarted,
    SamplerUsed,
    Standing,
    WrapperBuilt,
)
from seatrial.events.graph import Argument, GraphSeen, Node, Ref, TensorInfo
from seatrial.events.oddities import Checkpoint, GeneratorUsed, GraphKept, SeedSet, StateKept
from seatrial.events.program import (
    GroupInfo,
    LoaderBuilt,
    LoaderIterated,
    ModelSeen,
    ModuleInfo,
    OptimizerBuilt,
    ParameterInfo,
    SchedulerBuilt,
)
from seatrial.events.run import NotLookedAt, RunEnded, RunStarted, SourceSeen, TorchSeen
from seatrial.events.training import (
    BatchSeen,
    CallSeen,
    Clips,
    EvaluationPass,
    Filters,
    GradientPair,
    Look,
    Losses,
    ParameterFate,
    Settings,
    Turns,
    Units,
)
from seatrial.events.trials import (
    Association,
    DataGlanced,
    Forked,
    GradientChecked,
    Overfitted,
    Probe,
    RateSwept,
    Rung,
    StepChecked,
    Untrained,
)

__all__ = [
    "KINDS",
    "WRAPPERS",
    "Argument",
    "Association",
    "BatchSeen",
    "CallSeen",
    "Checkpoint",
    "Clips",
    "DataGlanced",
    "EvaluationPass",
    "Event",
    "Exchanged",
    "Filters",
    "Forked",
    "GeneratorUsed",
    "GradientChecked",
    "GradientPair",
    "GraphKept",
    "GraphSeen",
    "GroupInfo",
    "GroupJoined",
    "LoaderBuilt",
    "LoaderIterated",
    "Look",
    "Losses",
    "ModelSeen",
    "ModuleInfo",
    "Node",
    "NotLookedAt",
    "OptimizerBuilt",
    "Overfitted",
    "ParameterFate",
    "ParameterInfo",
    "Place",
    "Probe",
    "RankStarted",
    "RateSwept",
    "Ref",
    "RunEnded",
    "RunStarted",
    "Rung",
    "SamplerUsed",
    "Scalar",
    "SchedulerBuilt",
    "SeedSet",
    "Settings",
    "SourceSeen",
    "Standing",
    "StateKept",
    "StepChecked",
    "TensorInfo",
    "TorchSeen",
    "Turns",
    "Units",
    "Untrained",
    "WrapperBuilt",
]

Event: TypeAlias = (
    RunStarted
    | TorchSeen
    | RunEnded
    | SourceSeen
    | NotLookedAt
    | ModelSeen
    | OptimizerBuilt
    | SchedulerBuilt
    | LoaderBuilt
    | LoaderIterated
    | CallSeen
    | Turns
    | Losses
    | Settings
    | Clips
    | EvaluationPass
    | BatchSeen
    | Look
    | GradientPair
    | Units
    | Filters
    | ParameterFate
    | GraphSeen
    | Probe
    | GradientChecked
    | StepChecked
    | Forked
    | Untrained
    | RateSwept
    | Overfitted
    | DataGlanced
    | StateKept
    | Checkpoint
    | SeedSet
    | GeneratorUsed
    | GraphKept
    | Exchanged
    | GroupJoined
    | RankStarted
    | SamplerUsed
    | Standing
    | WrapperBuilt
)

KINDS: tuple[type, ...] = get_args(Event)
