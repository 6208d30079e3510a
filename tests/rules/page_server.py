"""Runs many small programs through `seatrial run`: torch is imported once, then each program gets a forked process.

As a program, given names of more modules to import, it reads lines of JSON on stdin, {"script": ..., "out": ..., "trials": ...}, and answers each
with the exit status and what was written to stderr; without "out" the program is run as Python would. What it prints is beside it, in a file .out.
`Server` starts it and asks.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

UNWATCHED = "unwatched"
LIMIT = 240  # seconds: a program that waits for itself fails its test instead of stopping all


class Server:
    """Runs programs through `seatrial run`, each in a process of its own that is forked with torch imported already."""

    def __init__(self, *modules: str) -> None:
        """`modules`: names of more that are imported already."""
        environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
        command = [sys.executable, __file__, *modules]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def findings(self, source: str, folder: Path, trials: str = "quick") -> dict[str, str]:
        """Names and severities of what is said of a program (also of symptoms that are folded into a cause)."""
        self.output(source, folder, trials)
        listed = self.told(folder)
        told = {name: "folded" for each in listed for name in each["explains"]}
        return told | {each["name"]: each["severity"] for each in listed}

    @staticmethod
    def told(folder: Path) -> list[dict[str, Any]]:
        """What was said of the program that ran watched in a folder last, as findings.json has it."""
        return json.loads((folder / "out" / "findings.json").read_text())["findings"]

    def output(self, source: str, folder: Path, trials: str = UNWATCHED) -> str:
        """What a program prints, run by Python alone unless trials are named; findings are then in folder/out."""
        script = folder / "program.py"
        script.write_text(source)
        return self.run(script) if trials == UNWATCHED else self.run(script, folder / "out", trials)

    def run(self, script: Path, out: Path | None = None, trials: str = "quick") -> str:
        """Run a program, watched where there is a folder for the run; what it printed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        order = {"script": str(script), "trials": trials} | ({"out": str(out)} if out is not None else {})
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["status"] == 0, answer["errors"]
        return script.with_suffix(".out").read_text()

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def serve() -> None:
    """Import what every program needs (torch's compiler is what the first optimizer imports), then run one after the other."""
    own = ("seatrial.cli", "seatrial.launch.session", "seatrial.report", "seatrial.taps", "seatrial.verdict")
    for name in ("numpy", "torch", "torch._dynamo", *own, *sys.argv[1:]):
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        errors = Path(order["script"]).with_suffix(".err")
        child = os.fork()
        if child == 0:
            run(order, errors)
        status = ended(child)
        told = errors.read_text() if status is not None else f"The program did not end within {LIMIT} s."
        print(json.dumps({"status": status, "errors": told}), flush=True)


def ended(child: int) -> int | None:
    """The exit status of a program, None where it had to be ended with all that it started."""
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def run(order: dict[str, str], errors: Path) -> None:
    """In the child: what `seatrial run --out OUT --trials TRIALS SCRIPT` does, or `python SCRIPT`, its output in a file."""
    script = order["script"]
    status = 70
    os.setpgid(0, 0)
    try:
        os.chdir(Path(script).parent)
        with Path(script).with_suffix(".out").open("w") as printed, errors.open("w") as told:
            os.dup2(printed.fileno(), 1)
            os.dup2(told.fileno(), 2)
            if "out" not in order:
                status = plain(script)
                return
            sys.argv = ["seatrial", "run", "--out", order["out"], "--trials", order["trials"], script]
            try:
                importlib.import_module("seatrial.cli").main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 70
            sys.stderr.flush()
    finally:
        sys.stdout.flush()
        os._exit(status)


def plain(script: str) -> int:
    """What `python SCRIPT` does: its exit status."""
    sys.argv, sys.path[0] = [script], str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")
    return 0


if __name__ == "__main__":
    serve()
