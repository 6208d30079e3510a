"""How exactly are training steps replayed? Prints, for every program of the given folders, whether the replayed loss and
gradients are bit for bit those of the script's own steps.

    python benchmarks/replay.py ../shared/faults ../shared/healthy

A step counts as exact if its loss and the gradients of all its parameters, added to what the script's gradients held
before, equal what the script has after its backward call. Each program is run in a process of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any


def watch_one(program: str) -> None:
    """Run one program and print what came of its steps as JSON on the last line of stderr."""
    import runpy

    import seatrial.taps as taps
    from seatrial.step.verification import Verifier

    verifier = Verifier()
    events: list[Any] = []
    watch = taps.install(events.append, verify=verifier)
    sys.argv = [program]
    sys.path.insert(0, os.path.dirname(program))
    try:
        runpy.run_path(program, run_name="__main__")
    finally:
        watch.finish()
        print("\n" + json.dumps([dataclasses.asdict(verdict) for verdict in verifier.verdicts]), file=sys.stderr)


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
        print(
            f"{'exact ' if good else 'DIFFERS'} {program.parent.name}/{program.name}: {len(rows)} steps {reasons or ''}",
            flush=True,
        )
    print(
        f"{exact} of {len(programs)} programs ({exact / max(1, len(programs)):.1%}) replayed exactly, {steps} steps in all"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        watch_one(sys.argv[2])
    else:
        main()
