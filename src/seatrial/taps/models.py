"""The models of the program: which modules are called from outside of any other, what they own, what becomes of it."""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping
from linecache import getline
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from seatrial.events import ModelSeen, ModuleInfo, ParameterFate, ParameterInfo, Place, Scalar
from seatrial.measure.access import is_whole, local
from seatrial.measure.parameters import weight_stats
from seatrial.places import loops_around
from seatrial.taps.identities import Noted
from seatrial.taps.watch import Watch

# Attributes that PyTorch itself has or sets on tensors; others that a user set may be mistyped.
_SAMPLE = 64
_EXPECTED = frozenset("grad_fn requires_grad _backward_hooks _post_accumulate_grad_hooks".split())


class Fate:
    """What is known so far of what becomes of a parameter."""

    def __init__(self, parameter: torch.Tensor, path: str, model: int) -> None:
        self.reference = weakref.ref(parameter)
        self.path = path
        self.model = model
        self.first = _sample(parameter)
        self.changed = False
        self.had_gradient = False
        self.requires_grad = parameter.requires_grad
        self.optimizers: tuple[int, ...] = ()
        self.spreads = (float("nan"), float("nan"))
        self.loaded = False


class Models:
    """All root modules seen, by their numbers in `watch.models`."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.places = Noted[tuple[Place, ...]]()  # where modules were constructed
        self.compiled = False
        self.in_shards = False  # parameters are pieces, under the names of what they are pieces of
        self.parameter_names: dict[int, str] = {}
        self.end_of_evaluation: Any = lambda: None
        self._signatures: dict[int, tuple[Any, ...]] = {}
        self._roots: dict[int, weakref.ref[nn.Module]] = {}
        self._names: dict[int, str] = {}
        self._paths: dict[int, dict[int, str]] = {}
        self._fates: dict[int, Fate] = {}
        self._owners: dict[int, tuple[int, ...]] = {}
        self._loaded = Noted[bool]()  # parameters that were loaded before they trained
        watch.at_finish.append(self.last_words)
        watch.at_load.append(self.note_loaded)

    # ---- seeing --------------------------------------------------------------------------------------------------

    def see(self, root: nn.Module, called: Place | None) -> int:
        """A root module is called: its number. Sends it if it is new or no longer what it was."""
        model = self.watch.models.of(root)
        if model not in self._signatures:
            self._send(root, model, called)
        return model

    def look_again(self, model: int) -> None:
        """Send a known model anew if parameters were replaced, frozen or thawed since."""
        root = self._roots[model]() if model in self._roots else None
        if root is not None and _signature(root) != self._signatures[model]:
            self._send(root, model, None)

    def altered(self, model: int) -> bool:
        """Whether parameters of a known model were replaced, frozen or thawed since it was sent."""
        root = self._roots[model]() if model in self._roots else None
        return root is not None and _signature(root) != self._signatures[model]

    def is_trained(self, parameter: int) -> bool:
        """Whether an optimizer was seen to step with a parameter."""
        return parameter in self._owners

    def owner(self, parameter: int) -> tuple[int, str] | None:
        """The model of a parameter and its path there."""
        fate = self._fates.get(parameter)
        return (fate.model, fate.path) if fate is not None else None

    def note_loaded(self, module: nn.Module, state: Any) -> None:
        """A state is about to be loaded: which parameters that did not train yet get other values by it?"""
        for path, tensor in module.named_parameters():
            value = state.get(path) if isinstance(state, Mapping) else None
            number = self.watch.parameters.get(tensor)
            if not isinstance(value, torch.Tensor) or (number is not None and self.is_trained(number)):
                continue
            if value.shape != tensor.shape or (own := _sample(tensor)).shape != (new := _sample(value)).shape:
                continue
            if not torch.equal(new.to(own), own):
                self._loaded.note(tensor, True)

    def _send(self, root: nn.Module, model: int, called: Place | None) -> None:
        self._roots[model] = weakref.ref(root)
        self._signatures[model] = _signature(root)
        built = self.places.of(root, ())
        where = built[0] if built else None
        name = self._names.setdefault(model, self._name(root, built))
        modules = list(root.named_modules())
        self.in_shards |= any(type(module).__name__ == "FullyShardedDataParallel" for _, module in modules)
        self._paths[model] = {id(module): path for path, module in modules}
        for _, module in modules:
            place = self.places.of(module, ())
            self.watch.source(place[0] if place else None)
        parameters = [self._parameter(path, tensor, model, False) for path, tensor in root.named_parameters()]
        parameters += [self._parameter(path, tensor, model, True) for path, tensor in root.named_buffers()]
        self.watch.source(where)
        self.watch.send(
            ModelSeen(
                tick=self.watch.tick,
                model=model,
                name=name,
                type=type(root).__name__,
                where=where,
                called=self.watch.source(called),
                modules=tuple(self._module(path, module) for path, module in modules),
                parameters=tuple(parameters),
                loops=loops_around(built),
            )
        )

    def _module(self, path: str, module: nn.Module) -> ModuleInfo:
        settings: dict[str, Scalar] = {}
        for key, value in vars(module).items():
            if not key.startswith("_") and key != "training" and isinstance(value, (bool, int, float, str)):
                settings[key] = value
        place = self.places.of(module, ())
        odd = tuple(key for key in vars(module) if key.startswith("require"))
        return ModuleInfo(path, type(module).__name__, place[0] if place else None, module.training, settings, odd)

    def _parameter(self, path: str, tensor: torch.Tensor, model: int, is_buffer: bool) -> ParameterInfo:
        number = self.watch.parameters.of(tensor)
        self.parameter_names.setdefault(number, f"{self._names[model]}.{path}")
        if number not in self._fates and (tensor.is_floating_point() or not is_buffer):
            self._fates[number] = Fate(tensor, path, model)
        odd = tuple(key for key in vars(tensor) if key not in _EXPECTED) if hasattr(tensor, "__dict__") else ()
        floating = tensor.is_floating_point()
        return ParameterInfo(
            number,
            path,
            () if is_lazy(tensor) else tuple(tensor.shape),
            str(tensor.dtype).removeprefix("torch."),
            tensor.requires_grad,
            is_buffer,
            weight_stats(tensor.detach()) if floating else {},
            odd,
        )

    def _name(self, root: nn.Module, built: tuple[Place, ...]) -> str:
        """What the program calls a model: the name to which it was assigned where it was constructed."""
        for place in built:
            found = re.match(r"\s*([\w.]+)\s*(?::[^=]+)?=[^=]", getline(place.file, place.line))
            if found and type(root).__name__ in getline(place.file, place.line):
                return found[1].removeprefix("self.")
        return type(root).__name__

    def number_of(self, tensor: torch.Tensor, name: str) -> int:
        """The number of a parameter in a step; of one that stands for a sharded parameter while its module runs, that parameter's."""
        known = self.watch.parameters.get(tensor)
        if known is None and name:
            for number, sharded in self.watch.parameters.living():
                if self.parameter_names.get(number) == name and not is_whole(sharded):
                    return number
        return self.watch.parameters.of(tensor)

    # ---- asked by the recording ----------------------------------------------------------------------------------

    @property
    def megabytes(self) -> float:
        """Size of all parameters of living models."""
        return sum(p.nbytes for _, root in self.living() for p in root.parameters()) / 2**20

    def living(self) -> list[tuple[int, nn.Module]]:
        found = [(model, reference()) for model, reference in self._roots.items()]
        return [(model, root) for model, root in found if root is not None]

    def state_names(self) -> dict[int, str]:
        """Names of all parameters and buffers of living models, by id()."""
        names: dict[int, str] = {}
        for model, root in self.living():
            prefix = self._names[model]
            for path, tensor in (*root.named_parameters(), *root.named_buffers()):
                names.setdefault(id(tensor), f"{prefix}.{path}")
        return names

    def path_of(self, root: int, module: nn.Module) -> str:
        """The path of a module within its root, with the root's name in front."""
        name = self._names.get(root, "")
        path = self._paths.get(root, {}).get(id(module))
        if path is None:
            return f"{name}.?{type(module).__name__}"
        return f"{name}.{path}" if path else name

    def in_training_mode(self) -> bool:
        return any(root.training for _, root in self.living())

    # ---- fates ---------------------------------------------------------------------------------------------------

    def owned(self, parameters: list[torch.Tensor], optimizer: int) -> None:
        """An optimizer that steps holds these parameters."""
        for tensor in parameters:
            number = self.watch.parameters.get(tensor)
            if number is not None and optimizer not in self._owners.get(number, ()):
                self._owners[number] = (*self._owners.get(number, ()), optimizer)

    def note_fates(self, optimizers: list[tuple[int, Any]]) -> None:
        """Compare all living parameters with what they were at first."""
        stateful: set[int] = set()
        for _, optimizer in optimizers:
            stateful |= {id(tensor) for tensor in optimizer.state}
        for fate in self._fates.values():
            tensor = fate.reference()
            if tensor is None:
                continue
            fate.changed = fate.changed or not torch.equal(_sample(tensor), fate.first)
            fate.had_gradient = fate.had_gradient or tensor.grad is not None or id(tensor) in stateful
            fate.requires_grad = tensor.requires_grad
            fate.loaded = fate.loaded or self._loaded.of(tensor, False)

    def last_words(self) -> None:
        """Send the fates."""
        self.note_fates(self.watch.optimizers.living())
        if self.compiled and not self.watch.optimizer_steps and any(fate.changed for fate in self._fates.values()):
            self.watch.not_looked_at("steps of optimizers", "they are made within what torch.compile made")
        for number, fate in self._fates.items():
            tensor = fate.reference()
            if tensor is not None and tensor.is_floating_point():
                stats = weight_stats(tensor.detach())
                fate.spreads = (stats.get("row_spread", fate.spreads[0]), stats.get("column_spread", fate.spreads[1]))
            self.watch.send(
                ParameterFate(
                    number,
                    fate.path,
                    fate.model,
                    fate.changed,
                    fate.had_gradient,
                    fate.requires_grad,
                    self._owners.get(number, ()),
                    *fate.spreads,
                    loaded=fate.loaded,
                )
            )

    def spreads(self) -> None:
        """Measure the spread among units now, for parameters that may be gone by the end."""
        for fate in self._fates.values():
            tensor = fate.reference()
            if tensor is not None and tensor.ndim >= 2 and tensor.is_floating_point():
                stats = weight_stats(tensor.detach())
                fate.spreads = (stats.get("row_spread", fate.spreads[0]), stats.get("column_spread", fate.spreads[1]))


def _signature(root: nn.Module) -> tuple[Any, ...]:
    return tuple((id(tensor), tensor.requires_grad) for tensor in root.parameters())


def _sample(tensor: torch.Tensor) -> torch.Tensor:
    """A few evenly spread elements, copied; none of a tensor that has no values (yet)."""
    if is_lazy(tensor) or tensor.is_meta:
        return torch.empty(0)
    flat = local(tensor).reshape(-1)
    return flat[:: max(1, flat.numel() // _SAMPLE)][: 2 * _SAMPLE].clone()
