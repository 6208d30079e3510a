"""Training in several processes: which one this is, what they say to each other, and figures by which they can be compared.

Nothing is ever sent from process to process for our sake: each one records what it holds itself, at moments that follow from
the count of its steps alone, so that the records of all can be laid side by side afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.events.basis import Place

# Classes of modules that train another one in several processes.
WRAPPERS = frozenset({"DistributedDataParallel", "FullyShardedDataParallel"})


@dataclass(frozen=True, slots=True)
class RankStarted:
    """This process is one of `world_size` that were launched together. `launch` is the same in all of them and in no other
    launch; `attempt` counts from 0 how often a launcher started them anew. `process` is its id on the machine `host`."""

    rank: int
    world_size: int
    attempt: int
    launch: str
    process: int
    host: str


@dataclass(frozen=True, slots=True)
class GroupJoined:
    """The process was found to be in a process group (of torch.distributed) when an optimizer was about to step. `parts`: how many
    of its groups are not of all processes (meshes of several dimensions, pipelines)."""

    tick: int
    rank: int
    world_size: int
    backend: str
    parts: int = 0


@dataclass(frozen=True, slots=True)
class WrapperBuilt:
    """A module that trains another one in several processes was constructed: `type` is DistributedDataParallel or
    FullyShardedDataParallel."""

    tick: int
    type: str
    where: Place | None


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What the program sent or received through process groups, in total: `kind` as the group calls it (allreduce, broadcast,
    send, ...), `elements` of all tensors that it gave to these calls. What DistributedDataParallel and collectives
    compiled into graphs exchange is not among it. `apart`: a group other than that of all processes was used."""

    kind: str
    calls: int
    elements: int
    apart: bool
    where: Place | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The parameters of an optimizer, and their gradients, just before its step number `step` (from 1; 0: at the end of the
    run). One entry a parameter, at most 64 of them, evenly spread over the optimizer's.

    `weights` and `gradients` are projections on a fixed direction (gradients nan where there are none), `norms` and
    `gradient_norms` belong to them. `exchanged`: much was exchanged since the step before. `sharded`: this process
    holds only a part of the parameters (FSDP, DTensor): then nothing was measured."""

    step: int
    tick: int
    optimizer: int
    parameters: tuple[int, ...]
    elements: tuple[int, ...]
    weights: tuple[float, ...]
    norms: tuple[float, ...]
    gradients: tuple[float, ...]
    gradient_norms: tuple[float, ...]
    exchanged: bool = False
    sharded: bool = False


@dataclass(frozen=True, slots=True)
class SamplerUsed:
    """A loader's DistributedSampler at the end of the run: its settings, how often the loader was iterated while it drew in an
    order of `epochs` different epochs (as `set_epoch` tells it)."""

    loader: int
    replicas: int
    rank: int
    shuffle: bool
    examples: int
    iterations: int
    epochs: int
    where: Place | None
