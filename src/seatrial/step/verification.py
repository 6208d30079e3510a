"""Is a step replayed exactly? Compares the replay with what the script's own backward pass gives, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from seatrial.step.capture import Origin, Out
from seatrial.step.generators import unmoved
from seatrial.step.replay import Step


@dataclass
class Verdict:
    """What came of one step: `exact` if loss and all gradients are the script's own, else `why` not."""

    call: int
    exact: bool = False
    loss_equal: bool = False
    why: str = ""


class Verifier:
    """Replays every captured step right before the script's own backward pass and compares right after it.

    The replay's gradients, added to what the script's held before, must be what the script has afterwards.
    """

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self._expected: tuple[Verdict, list[tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]]] | None = (
            None
        )

    def before_backward(
        self,
        program: list[Origin],
        roots: list[Out],
        losses: tuple[torch.Tensor, ...],
        call: int,
        owners: dict[int, Any],
    ) -> None:
        """Replay; `owners` are the script's parameters by their number."""
        self._expected = None
        verdict = Verdict(call)
        self.verdicts.append(verdict)
        try:
            with unmoved():
                self._expected = (verdict, self._replay(verdict, program, roots, losses, owners))
        except Exception as error:
            verdict.why = f"{type(error).__name__}: {error}"[:200]

    @staticmethod
    def _replay(
        verdict: Verdict,
        program: list[Origin],
        roots: list[Out],
        losses: tuple[torch.Tensor, ...],
        owners: dict[int, Any],
    ) -> list[tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]]:
        with torch.enable_grad():
            step = Step(program, roots)
            values = step.values()
            replayed = step(values)
            wanted = [(leaf, value) for leaf, value in zip(step.leaves, values, strict=True) if value.requires_grad]
            gradients = torch.autograd.grad(replayed, [value for _, value in wanted], allow_unused=True)
        verdict.loss_equal = all(identical(a.detach(), b.detach()) for a, b in zip(replayed, losses, strict=True))
        found: list[tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]] = []
        for (leaf, _), gradient in zip(wanted, gradients, strict=True):
            owner = owners.get(leaf.parameter)
            if owner is not None:
                found.append((owner, None if owner.grad is None else owner.grad.clone(), gradient))
        return found

    def after_backward(self) -> None:
        """The script's own backward pass has ended: compare."""
        if self._expected is None:
            return
        verdict, expected = self._expected
        self._expected = None
        wrong = 0
        for parameter, before, gradient in expected:
            if gradient is not None and parameter.grad is not None:
                wrong += not identical(gradient if before is None else before + gradient, parameter.grad)
        verdict.exact = verdict.loss_equal and not wrong
        if not verdict.exact:
            verdict.why = (
                f"loss {'equal' if verdict.loss_equal else 'differs'}, {wrong} of {len(expected)} gradients differ"
            )


def identical(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal element by element, nan where the other is nan."""
    one, other = (tensor.to_dense() if tensor.is_sparse else tensor for tensor in (one, other))
    return one.shape == other.shape and bool(((one == other) | (torch.isnan(one) & torch.isnan(other))).all())
