"""kill -9 at random moments: does the record open each time, and is a report written from it?

    python benchmarks/kill.py [SCRIPT] [--times 20] [--seconds 12]

Prints a table: when the run was killed, what its record holds, what `seatrial report` made of it.
Ends with 1 if a record could not be read or reported.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.history import Run
from seatrial.record import NAME, read

SEATRIAL = str(Path(sys.executable).with_name("seatrial"))
SCRIPT = """
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2048, 16)
y = (x @ torch.randn(16, 4)).argmax(1)
model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4), nn.Softmax(dim=1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
while True:
    for rows in torch.randperm(2048).split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


def main() -> int:
    options = _arguments()
    moments = random.Random(options.seed)
    print(f"{'killed after':>12}  {'bytes':>9}  {'events':>6}  {'losses':>6}  {'report':>6}  findings")
    failed = 0
    for _ in range(options.times):
        after = moments.uniform(0, options.seconds)
        with tempfile.TemporaryDirectory() as folder:
            failed += not _kill(Path(folder), options.script, after)
    print(f"{options.times - failed} of {options.times} records were read and reported.")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", nargs="?", type=Path, help="a training script (default: a small endless one)")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=12.0, help="the latest moment, from when the record was begun")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _kill(folder: Path, script: Path | None, after: float) -> bool:
    """Run, kill and report once. Returns whether all went well."""
    program = script.resolve() if script else folder / "endless.py"
    if not script:
        program.write_text(SCRIPT)
    out = folder / "out"
    child = subprocess.Popen(
        [SEATRIAL, "run", "--quiet", "--out", str(out), str(program)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _wait_for_start(out)
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    child.wait()
    size = sum(file.stat().st_size for file in out.iterdir())
    try:
        run = Run.of(read(out))
    except UsageProblem as problem:
        print(f"{after:10.2f} s  {size:9}  {problem}")
        return False
    losses = sum(len(series) for series in run.losses.values())
    report = subprocess.run([SEATRIAL, "report", str(out)], capture_output=True, text=True, check=False)
    names = _findings(out)
    well = report.returncode == 0 and names is not None and (out / "report.html").is_file()
    said = ", ".join(names or []) if well else report.stderr.strip()[-80:]
    print(
        f"{after:10.2f} s  {size:9}  {len(run.events):6}  {losses:6}  {'yes' if well else 'NO':>6}  {said}", flush=True
    )
    return well


def _wait_for_start(out: Path) -> None:
    """Until the first event is on disk: before that there is no run."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if (out / NAME).exists() and read(out):
                return
        except UsageProblem:
            pass
        time.sleep(0.02)


def _findings(out: Path) -> list[str] | None:
    try:
        return [finding["name"] for finding in json.loads((out / "findings.json").read_text())["findings"]]
    except (OSError, ValueError, KeyError):
        return None


if __name__ == "__main__":
    sys.exit(main())
