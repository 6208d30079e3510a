"""How exactly are training steps replayed? Prints, for every program of the given folders, whether the replayed loss and
gradients are bit for bit those of the script's own steps.

    python benchmarks/replay.py ../shared/faults ../shared/healthy

A step counts as exact if its loss and the gradients of all its parameters, added to what the script's gradients held
before, equal what the script has after its backward call. Each program is run in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any


class Verifier:
    """Replays every captured step right before the script's own backward pass and compares right after it."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._expected: tuple[Any, ...] | None = None

    def before_backward(self, program: Any, roots: Any, losses: Any, call: int) -> None:
        import torch

        from seatrial.step.capture import Leaf
        from seatrial.step.replay import Step

        self._expected = None
        state = torch.get_rng_state()
        row: dict[str, Any] = {"call": call, "exact": False, "why": ""}
        self.rows.append(row)
        try:
            with torch.enable_grad():
                step = Step(program, roots)
                values = step.values()
                loss = step(values)[0]
                wanted = [(leaf, value) for leaf, value in zip(step.leaves, values) if value.requires_grad]
                gradients = torch.autograd.grad(loss, [value for _, value in wanted], allow_unused=True)
            row["loss"] = _identical(loss.detach(), losses[0].detach())
            owners = {number: tensor for number, tensor in self.watch.parameters.living()}
            self._expected = (
                row,
                [
                    (owners[leaf.parameter], None if owners[leaf.parameter].grad is None else owners[leaf.parameter].grad.clone(), gradient)
                    for (leaf, _), gradient in zip(wanted, gradients)
                    if isinstance(leaf, Leaf) and leaf.parameter in owners
                ],
            )
        except Exception as error:
            row["why"] = f"{type(error).__name__}: {error}"[:200]
        finally:
            torch.set_rng_state(state)

    def after_backward(self, losses: Any) -> None:
        if self._expected is None:
            return
        row, pairs = self._expected
        self._expected = None
        wrong = 0
        for parameter, before, gradient in pairs:
            now = parameter.grad
            if gradient is None or now is None:
                continue
            expected = gradient if before is None else before + gradient
            wrong += not _identical(expected, now)
        row["gradients"] = wrong == 0
        row["exact"] = bool(row["loss"] and wrong == 0)
        if not row["exact"]:
            row["why"] = f"loss {'equal' if row['loss'] else 'differs'}, {wrong} of {len(pairs)} gradients differ"


def _identical(one: Any, other: Any) -> bool:
    """Equal element by element, nan where the other is nan."""
    import torch

    one, other = (tensor.to_dense() if tensor.is_sparse else tensor for tensor in (one, other))
    return one.shape == other.shape and bool(((one == other) | (torch.isnan(one) & torch.isnan(other))).all())


def watch_one(program: str) -> None:
    """Run one program and print what came of its steps as JSON on the last line of stderr."""
    import runpy

    import seatrial.taps as taps

    verifier = Verifier()
    events: list[Any] = []
    verifier.watch = watch = taps.install(events.append, verify=verifier)  # type: ignore[attr-defined]
    sys.argv = [program]
    sys.path.insert(0, os.path.dirname(program))
    try:
        runpy.run_path(program, run_name="__main__")
    finally:
        watch.finish()
        print("\n" + json.dumps(verifier.rows), file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    programs = sorted(path.resolve() for folder in options.folders for path in folder.glob("*/*.py"))
    programs = [path for path in programs if options.only in str(path)]
    exact = steps = 0
    for program in programs:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, __file__, "--one", str(program)],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
            )
        try:
            rows = json.loads(done.stderr.strip().splitlines()[-1])
        except (ValueError, IndexError):
            rows = [{"exact": False, "why": done.stderr[-300:]}]
        good = bool(rows) and all(row["exact"] for row in rows)
        exact += good
        steps += len(rows)
        reasons = sorted({row["why"] for row in rows if not row["exact"]})
        print(f"{'exact ' if good else 'DIFFERS'} {program.parent.name}/{program.name}: {len(rows)} steps {reasons or ''}", flush=True)
    print(f"{exact} of {len(programs)} programs ({exact / max(1, len(programs)):.1%}) replayed exactly, {steps} steps in all")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        watch_one(sys.argv[2])
    else:
        main()
