"""What an experiment with the fault mended has shown, in words."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.numbers import decimal, figure


def proof_sentence(proof: Mapping[str, object]) -> str:
    """What a mended fork of the run showed, from the figures of the proof."""
    without, with_, steps = proof.get("loss_without"), proof.get("loss_with"), proof.get("steps")
    if isinstance(without, int | float) and isinstance(with_, int | float):
        return (
            f"Proven: with the fix ({proof.get('fix', 'mended')}) the loss is {decimal(float(with_))} "
            f"instead of {decimal(float(without))} after {steps} steps."
        )
    return "Proven: " + ", ".join(f"{key.replace('_', ' ')} {figure(value)}" for key, value in proof.items())
