"""Running a program twice, as `python ...` and as `seatrial run ...`, and what came of each."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

SEATRIAL = str(Path(sys.executable).with_name("seatrial"))


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


def python(folder, *arguments, **options) -> Ended:
    return _run([sys.executable, *arguments], folder, **options)


def seatrial(folder, *arguments, **options) -> Ended:
    """`seatrial run --quiet`: stderr is the program's own, but for a line that says that it did not train."""
    out = Path(folder) / "out-of-seatrial"
    return _run([SEATRIAL, "run", "--quiet", "--out", str(out), *arguments], folder, **options)


def both(folder, *arguments, **options) -> tuple[Ended, Ended]:
    return python(folder, *arguments, **options), without_ours(seatrial(folder, *arguments, **options))


def without_ours(ended: Ended) -> Ended:
    """Less what seatrial says of a program without training: its line, and the status 2 in the place of 0."""
    lines = ended.err.splitlines(keepends=True)
    own = [line for line in lines if not line.startswith("seatrial: Expected a script that trains")]
    untrained = ended.status == 2 and len(own) < len(lines)
    return Ended(0 if untrained else ended.status, ended.out, "".join(own))


def _run(command, folder, interrupt_after="", env=None, stdin=""):
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "0", **(env or {})},
    ) as child:
        head = ""
        if interrupt_after:
            while interrupt_after not in head:
                line = child.stdout.readline()
                assert line, child.stderr.read()
                head += line
            time.sleep(0.1)
            child.send_signal(signal.SIGINT)
        out, err = child.communicate(stdin, timeout=60)
    return Ended(child.returncode, _without_addresses(head + out), _without_addresses(err))


def _without_addresses(text):
    return re.sub(r"0x[0-9a-f]+", "0x", text)
