"""Oddities that a tap can establish by itself."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.events.basis import Place


@dataclass(frozen=True, slots=True)
class StateKept:
    """A state dict taken from a live module: `aliased` when at the end (or when it was loaded or saved) it still shared
    memory with weights that had changed since. `use`: "kept" | "loaded" | "saved"; `used_model`: loaded into which."""

    tick: int
    model: int
    where: Place | None
    used_where: Place | None
    use: str
    aliased: bool
    used_model: int = -1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """torch.save or torch.load: `action` save | load, `keys` top-level keys of the mapping."""

    tick: int
    action: str
    file: str
    keys: tuple[str, ...]
    where: Place | None


@dataclass(frozen=True, slots=True)
class SeedSet:
    """A generator was seeded: `generator` torch | numpy | random | cuda | torch.Generator | numpy.Generator.
    `seeded` false: a generator was made without a seed."""

    tick: int
    generator: str
    seeded: bool
    where: Place | None


@dataclass(frozen=True, slots=True)
class GeneratorUsed:
    """At the end: has the global generator moved since the start (or since it was last seeded).

    `moved_before_seed`: it had been drawn from when it was first seeded; `where`: a line that drew from it, if known."""

    generator: str
    moved: bool
    seeded: bool
    moved_before_seed: bool = False
    where: Place | None = None


@dataclass(frozen=True, slots=True)
class GraphKept:
    """Graphs of earlier steps were found alive. `how`: "carried" (a tensor with a graph from an earlier step entered this
    one at `where`) or "held" (the loss of a step long ago is still referenced)."""

    tick: int
    how: str
    where: Place | None
    age: int
