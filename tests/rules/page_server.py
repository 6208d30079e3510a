"""Runs many small programs through `seatrial run`: torch is imported once, then each program gets a forked process.

Reads lines of JSON on stdin, {"script": ..., "out": ...}; answers each with the exit status and what was written to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

import seatrial.cli
import seatrial.launch.session
import seatrial.report
import seatrial.taps
import seatrial.verdict

__all__ = ["np", "torch"]


def serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        errors = Path(order["script"]).with_suffix(".err")
        child = os.fork()
        if child == 0:
            run(order["script"], order["out"], errors)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status), "errors": errors.read_text()}), flush=True)


def run(script: str, out: str, errors: Path) -> None:
    """In the child: what `seatrial run --out OUT SCRIPT` does, its output out of the way."""
    status = 70
    try:
        os.chdir(Path(script).parent)
        with open(os.devnull, "w") as nowhere, errors.open("w") as told:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(told.fileno(), 2)
            sys.argv = ["seatrial", "run", "--out", out, script]
            try:
                seatrial.cli.main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 70
            sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve()
