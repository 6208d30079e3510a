"""A fork of a training: copies of the parameters of a recorded step, trained on recorded batches, as the script trains
them or with a mend. Nothing of the script's own is touched."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import torch

from seatrial.events import GroupInfo
from seatrial.findings import Mend
from seatrial.step.capture import Leaf
from seatrial.step.generators import unmoved
from seatrial.step.replay import NotReplayable, total
from seatrial.step.rewrite import standardise, standardised, substitution
from seatrial.trials.plan import Plan

AS_IT_IS = Mend("as it is")


class Fork:
    """One training of copies."""

    def __init__(self, plan: Plan, mend: Mend = AS_IT_IS, seed: int = 0) -> None:
        """Raises:
        NotReplayable: the mend does not fit the step, or the optimizer cannot be built anew.
        """
        self.plan = plan
        self.mend = mend
        self.seed = seed
        self.forward = Forward(plan, mend)
        self.values = self.forward.start()
        if mend.fresh:
            draw_anew(self.forward.step.leaves, self.values, seed)
        self.optimizer = self._build()

    def train(
        self, steps: int, going_on: Callable[[], bool] = lambda: True, factors: list[float] | None = None
    ) -> list[float]:
        """Train for so many steps of the optimizer, each at a factor of its rate if any are given; the losses that its
        backward passes began from."""
        turn = _mended_turn(self.plan.turn, self.mend)
        losses: list[float] = []
        with unmoved(), torch.enable_grad():
            torch.manual_seed(self.seed)
            order = self._order()
            for number in range(steps):
                self._set_rates(number / max(1, steps - 1), factors[number] if factors else 1.0)
                for kind in turn:
                    self._do(kind, order, losses)
                if not going_on() or not math.isfinite(losses[-1] if losses else 0.0):
                    break
        return losses

    def _do(self, kind: str, order: Any, losses: list[float]) -> None:
        match kind:
            case "clear":
                self.optimizer.zero_grad()
            case "backward":
                loss = self.forward.loss(self.values, next(order), same_random_numbers=False)
                loss.backward()
                losses.append(loss.item())
            case "clip":
                _clip([p for group in self.optimizer.param_groups for p in group["params"]], self.plan.clip)
            case _:
                self.optimizer.step()

    def _order(self) -> Any:
        """Batch after batch, in another order each time round."""
        count = len(self.plan.step.batches)
        while True:
            yield from torch.randperm(count).tolist()

    def _set_rates(self, share: float, factor: float) -> None:
        for at, group in zip(self.groups, self.optimizer.param_groups, strict=False):
            rate = self.plan.highest_rate(at) if self.mend.steady else self.plan.rate(at, share)
            group["lr"] = rate * self.mend.rate * factor

    def _build(self) -> Any:
        """The script's optimizer for the copies."""
        copies = {
            leaf.parameter: value
            for leaf, value in zip(self.forward.step.leaves, self.values, strict=True)
            if leaf.state == "parameter" and value.requires_grad
        }
        groups = [self._group(group, copies) for group in self.plan.groups]
        held = {parameter for group in self.plan.groups for parameter in group.parameters}
        if self.mend.all_parameters:
            groups[0]["params"] = [*groups[0]["params"], *(v for key, v in copies.items() if key not in held)]
        # Groups that hold nothing of this step are left out; each of the others keeps its own rate.
        self.groups = [at for at, group in enumerate(groups) if group["params"]]
        return _made(self.plan.optimizer, [groups[at] for at in self.groups])

    def _group(self, group: GroupInfo, copies: dict[int, torch.Tensor]) -> dict[str, Any]:
        settings: dict[str, Any] = {**group.settings, **dict(self.mend.settings)}
        betas = (settings.pop("beta1", None), settings.pop("beta2", None))
        if None not in betas:
            settings["betas"] = betas
        known = {key: value for key, value in settings.items() if value is not None}
        return {"params": [copies[p] for p in group.parameters if p in copies], **known}


def _made(kind: Any, groups: list[dict[str, Any]]) -> Any:
    if issubclass(kind, torch.optim.LBFGS):
        raise NotReplayable("its optimizer asks for a closure")
    accepted = inspect.signature(kind.__init__).parameters
    defaults = {key: value for key, value in groups[0].items() if key in accepted and key != "params"}
    try:
        return kind(groups, **defaults)
    except (TypeError, ValueError) as error:
        raise NotReplayable(f"its optimizer {kind.__name__} cannot be built anew ({error})") from error


class Forward:
    """The step of a plan with a mend, as a function of its state and the number of a batch."""

    def __init__(self, plan: Plan, mend: Mend = AS_IT_IS) -> None:
        recorded = plan.step
        self.step = recorded.whole()
        self.substitute = substitution(recorded, mend.edits)
        self.batches = recorded.batches
        self.data = [at for at, leaf in enumerate(self.step.leaves) if not leaf.state]
        scaled = standardised(recorded, mend.edits)
        self.scaled = {at for at in self.data if id(self.step.leaves[at]) in scaled}

    def start(self) -> list[torch.Tensor]:
        """Fresh copies of all leaves as they were when the step was recorded."""
        return self.step.values()

    def loss(self, values: list[torch.Tensor], batch: int, same_random_numbers: bool = True) -> torch.Tensor:
        """The loss of a batch with the state in `values`."""
        filled = list(values)
        for at, value in zip(self.data, self.batches[batch], strict=True):
            given = standardise(value) if at in self.scaled else value.clone()
            filled[at] = given.requires_grad_(self.step.leaves[at].info.requires_grad)
        return total(self.step(filled, substitute=self.substitute, same_random_numbers=same_random_numbers))

    def measure(self, values: list[torch.Tensor], most: int = 6) -> float:
        """The mean loss of recorded batches, with the same random numbers each time; the state stays as it is."""
        with unmoved(), torch.no_grad():
            torch.manual_seed(0)
            count = min(most, len(self.batches))
            copies = [[value.detach().clone() for value in values] for _ in range(count)]
            losses = [self.loss(copy, at, same_random_numbers=False).item() for at, copy in enumerate(copies)]
        return sum(losses) / len(losses)


def _mended_turn(turn: tuple[str, ...], mend: Mend) -> list[str]:
    kinds = [kind for kind in turn if not (mend.unclipped and kind == "clip")]
    if mend.clears:
        kinds = ["clear", *(kind for kind in kinds if kind != "clear")]
    if mend.steps:
        kinds = [*(kind for kind in kinds if kind != "step"), "step"]
    return kinds


def _clip(parameters: list[torch.Tensor], how: str) -> None:
    kind, _, bound = how.partition(" ")
    if kind == "norm":
        torch.nn.utils.clip_grad_norm_(parameters, float(bound))
    elif kind == "value":
        torch.nn.utils.clip_grad_value_(parameters, float(bound))


def draw_anew(leaves: list[Leaf], values: list[torch.Tensor], seed: int) -> None:
    """Kaiming uniform by fan-in for weights, zero for biases, as torch's own layers nearly do (He et al. 2015);
    the same numbers on each device."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for leaf, value in zip(leaves, values, strict=True):
            if leaf.state != "parameter" or not value.is_floating_point():
                continue
            if value.ndim >= 2:
                bound = 1 / math.sqrt(max(1, value[0].numel()))
                drawn = torch.empty_like(value, device="cpu").uniform_(-bound, bound, generator=generator)
                value.copy_(drawn)
            elif not leaf.name.endswith("weight"):  # the scale of a normalisation stays
                value.zero_()
