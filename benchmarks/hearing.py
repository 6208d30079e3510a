"""What it costs to hear which runs a script keeps (`seatrial run --track tensorboard` or `wandb`), beyond watching it.

    python benchmarks/hearing.py [--rounds 9] [--steps 600]

Processes in turn without and with it, each training the same small network under `seatrial.Monitor`; CPU time of the same
block of steps, after a first one; the median ratio with the smallest and the largest, and microseconds a step. About two
minutes. Python keeps an audit hook until it ends: both cannot be had in one process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile

from cost import block, mlp


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--one", choices=("without", "with"))
    options = parser.parse_args()
    if options.one:
        print(measured(options.one == "with", options.steps))
        return
    pairs = [(_process("without", options.steps), _process("with", options.steps)) for _ in range(options.rounds)]
    ratios = sorted(after / before for before, after in pairs)
    more = statistics.median(after - before for before, after in pairs) / options.steps * 1e6
    whole = statistics.median(before for before, _ in pairs) / options.steps * 1e3
    print(
        f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}), {more:+.1f} µs on a step of {whole:.2f} ms"
    )


def _process(kind: str, steps: int) -> float:
    command = [sys.executable, __file__, "--one", kind, "--steps", str(steps)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


def measured(hearing: bool, steps: int) -> float:
    """CPU seconds of a block of steps."""
    import torch

    import seatrial
    from seatrial.integrations.trackers.hearing import Heard

    torch.set_num_threads(1)
    torch.manual_seed(0)
    if hearing:
        Heard().start()
    step = mlp()
    with tempfile.TemporaryDirectory() as folder, seatrial.Monitor(folder, quiet=True):
        block(step, steps)
        return block(step, steps)


if __name__ == "__main__":
    main()
