"""Runs many small programs through `seatrial run`: torch is imported once, then each program gets a forked process.

As a program it reads lines of JSON on stdin, {"script": ..., "out": ..., "trials": ...}, and answers each with the exit status and what was
written to stderr. `Server` starts it and asks.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path


class Server:
    """Runs programs through `seatrial run`, each in a process of its own that is forked with torch imported already."""

    def __init__(self) -> None:
        environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
        command = [sys.executable, __file__]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def findings(self, source: str, folder: Path, trials: str = "quick") -> dict[str, str]:
        """Names and severities of what is said of a program (also of symptoms that are folded into a cause)."""
        script, out = folder / "program.py", folder / "out"
        script.write_text(source)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"script": str(script), "out": str(out), "trials": trials}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["status"] == 0, answer["errors"]
        listed = json.loads((out / "findings.json").read_text())["findings"]
        told = {name: "folded" for each in listed for name in each["explains"]}
        return told | {each["name"]: each["severity"] for each in listed}

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def serve() -> None:
    """Import what every program needs (torch's compiler is what the first optimizer imports), then run one after the other."""
    for name in "numpy torch torch._dynamo seatrial.cli seatrial.launch.session seatrial.report seatrial.taps seatrial.verdict".split():
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        errors = Path(order["script"]).with_suffix(".err")
        child = os.fork()
        if child == 0:
            run(order, errors)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status), "errors": errors.read_text()}), flush=True)


def run(order: dict[str, str], errors: Path) -> None:
    """In the child: what `seatrial run --out OUT --trials TRIALS SCRIPT` does, its output out of the way."""
    script = order["script"]
    status = 70
    try:
        os.chdir(Path(script).parent)
        with open(os.devnull, "w") as nowhere, errors.open("w") as told:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(told.fileno(), 2)
            sys.argv = ["seatrial", "run", "--out", order["out"], "--trials", order["trials"], script]
            try:
                importlib.import_module("seatrial.cli").main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 70
            sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve()
