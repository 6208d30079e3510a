"""Public training programs of other people, unmodified: do they come to the same end when they are watched, what is said of
them, and what does watching cost?

    python benchmarks/public.py --examples CLONE --mingpt CLONE [--makemore CLONE] [--nanogpt CLONE] [--others FOLDER]
                                [--only NAME,...] [--rounds 3] [--share 1] [--no-cost] [--no-findings]

CLONE: a clone of pytorch/examples, karpathy/minGPT, karpathy/makemore, karpathy/nanoGPT. FOLDER: it holds clones of the small
programs of public_small.py, each as OWNER-NAME; those that are not there are left out. Nothing is downloaded: small data are
made in a scratch folder, and stand-ins (benchmarks/public/stand_ins) take the place of torchvision, gymnasium, requests
and six. A program runs in a copy of its folder, some 20 seconds on a quiet machine: once unwatched and once watched with
trials, then in each round unwatched and watched without trials, in turn. All of them take some half an hour.

Same end: the exit status, all output (but for durations; warnings and tracebacks included), all weights, all files written,
the states of the random generators, which are seeded before a program starts, on both sides: some programs do not.
Cost: CPU seconds of the whole process, watched over unwatched, the median of the rounds; beside it without what a program of
one step costs more when it is watched (the start of seatrial, the writing of the report). Exits with 1 where an end differs.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from public_programs import PROGRAMS, Program
from public_small import SMALL_PROGRAMS
from unchanged import CUSTOMISATION

import seatrial

STAND_INS = pathlib.Path(__file__).parent / "public/stand_ins"
WATCHED = [sys.executable, "-m", "seatrial", "run", "--quiet"]
ONE_STEP = """
import torch
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model(torch.ones(8, 4)).square().mean().backward()
optimizer.step()
"""
SEEDING = """
import random
import numpy
import torch
random.seed(0)
numpy.random.seed(0)
torch.manual_seed(0)
"""
DURATION = re.compile(
    r"(iter_dt |step time |ms/batch +|time: +|time )\d+\.\d+ ?(ms|s)?|[Tt]ime: \d+m \d+s|\(\d+\.\d+s\)|mfu -?\d+\.\d+%"
)


@dataclass
class Run:
    """What a process left, and what it took."""

    left: dict[str, Any]
    stderr: str
    seconds: float  # of CPU time, those of its children included
    wall: float


def run(command: list[str], work: pathlib.Path, environment: dict[str, str]) -> Run:
    """Run a command; the files that are new or changed afterwards count as what it left."""
    import time

    before = _files(work)
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, cwd=work, env=environment, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        out.seek(0)
        err.seek(0)
        left: dict[str, Any] = {"status": process.returncode, "stdout": DURATION.sub("", out.read())}
        stderr = err.read()
        left["stderr"] = DURATION.sub("", stderr)
    left["files"] = {name: digest for name, digest in _files(work).items() if before.get(name) != digest}
    return Run(left, stderr, used.ru_utime + used.ru_stime, wall)


def _files(folder: pathlib.Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and "tfevents" not in path.name  # these hold the time
    }


class Bench:
    """A scratch folder with the stand-ins, installed as `pip install --user` would."""

    def __init__(self, clones: dict[str, pathlib.Path], scratch: pathlib.Path, share: float) -> None:
        self.clones = clones
        self.share = share
        self.scratch = scratch
        base = scratch / "user"
        packages = base / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        shutil.copytree(STAND_INS, packages)
        compileall.compile_dir(pathlib.Path(seatrial.__file__).parent, quiet=1)  # as installing does
        self.paths = [str(packages), os.environ.get("PYTHONPATH", "")]
        self.environment = {
            **os.environ,
            "PYTHONUSERBASE": str(base),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # as Python usually is: what is imported was compiled before
            "SOURCE_DATE_EPOCH": "0",  # no time of making in the pictures that programs write
            "PYTHONHASHSEED": "0",
            "MPLBACKEND": "Agg",  # no windows
        }

    def work(self, program: Program) -> tuple[pathlib.Path, dict[str, str]]:
        """A fresh copy of the program's folder with its data, and the environment to run it in."""
        ready, work = self.scratch / "ready" / program.name, self.scratch / program.name
        if not ready.exists():
            source = self.clones[program.clone] / program.folder
            shutil.copytree(source, ready, ignore=shutil.ignore_patterns(".git"))
            program.prepare(self.clones, ready)
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(ready, work)
        paths = [*self.paths, str(self.clones[program.clone])]
        environment = {**self.environment, **dict(program.environment)}
        return work, {**environment, "PYTHONPATH": os.pathsep.join(paths), "PUBLIC_DOWNLOADS": str(work)}

    def compare(self, program: Program, show: bool) -> list[str]:
        """What differs between the end of the plain and that of the watched program; prints the findings."""
        ends: list[dict[str, Any]] = []
        found = self.scratch / "found"
        for start in ([sys.executable], [*WATCHED, "--out", str(found)]):
            work, environment = self.work(program)
            customisation = self.scratch / "customisation"
            customisation.mkdir(exist_ok=True)
            (customisation / "sitecustomize.py").write_text(SEEDING + CUSTOMISATION)
            target = self.scratch / "left.json"
            target.unlink(missing_ok=True)
            environment["PYTHONPATH"] = os.pathsep.join([str(customisation), environment["PYTHONPATH"]])
            done = run([*start, *program.started(self.share)], work, {**environment, "UNCHANGED_TO": str(target)})
            print(f"  {done.seconds:.1f} s of CPU time, {done.wall:.1f} s", flush=True)
            ends.append(done.left | (json.loads(target.read_text()) if target.exists() else {}))
            if done.left["status"]:
                print(done.stderr[-3000:])
        if show:
            self.tell(found)
        plain, watched = ends
        print(f"  {plain.get('tensors', 0)} tensors, {len(plain['files'])} files, status {plain['status']}")
        return [key for key in plain if plain[key] != watched.get(key)]

    def tell(self, found: pathlib.Path) -> None:
        """Print what was found, with what was not looked at."""
        report = json.loads((found / "findings.json").read_text())
        for finding in report["findings"]:
            where = finding["where"][0] if finding["where"] else {"file": "-", "line": 0}
            place = f"{pathlib.Path(where['file']).name}:{where['line']}"
            print(f"  {finding['severity']:8} {finding['name']} at {place}: {finding['message']}")
        for unseen in report["not_looked_at"]:
            print(f"  not looked at: {unseen}")
        print(f"  {json.dumps(report['observation'])}")

    def cost(self, program: Program, rounds: int, fixed: float) -> float:
        """The median ratio of CPU seconds, watched over unwatched; prints it."""
        pairs: list[tuple[Run, Run]] = []
        for number in range(rounds):
            sides: dict[bool, Run] = {}
            for watched in (False, True) if number % 2 == 0 else (True, False):
                work, environment = self.work(program)
                sides[watched] = run(self._start(watched, program.started(self.share)), work, environment)
            pairs.append((sides[False], sides[True]))
        ratio = statistics.median(watched.seconds / plain.seconds for plain, watched in pairs)
        rest = statistics.median((watched.seconds - fixed) / plain.seconds for plain, watched in pairs)
        wall = statistics.median(watched.wall / plain.wall for plain, watched in pairs)
        took = statistics.median(plain.seconds for plain, _ in pairs)
        print(f"  cost {ratio:.3f} of {took:.1f} s of CPU time; without the fixed part {rest:.3f}; wall {wall:.3f}")
        return ratio

    def fixed(self, rounds: int) -> float:
        """The CPU seconds that a program of one step takes more when it is watched."""
        program = self.scratch / "one_step.py"
        program.write_text(ONE_STEP)
        environment = {**self.environment, "PYTHONPATH": os.pathsep.join(self.paths)}
        more = [
            run(self._start(True, (str(program),)), self.scratch, environment).seconds
            - run(self._start(False, (str(program),)), self.scratch, environment).seconds
            for _ in range(rounds)
        ]
        return statistics.median(more)

    def _start(self, watched: bool, command: tuple[str, ...]) -> list[str]:
        with_it = [*WATCHED, "--trials", "off", "--out", str(self.scratch / "out")]
        return [*(with_it if watched else [sys.executable]), *command]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for clone in ("examples", "mingpt", "makemore", "nanogpt"):
        parser.add_argument(f"--{clone}", type=pathlib.Path)
    parser.add_argument("--others", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="share of the usual length of each run")
    parser.add_argument("--no-cost", action="store_true")
    parser.add_argument("--no-findings", action="store_true")
    options = parser.parse_args()
    clones = {
        name: path.resolve()
        for name in ("examples", "mingpt", "makemore", "nanogpt")
        if (path := getattr(options, name))
    }
    if options.others:
        clones |= {
            program.clone: path.resolve()
            for program in SMALL_PROGRAMS
            if (path := options.others / program.clone.replace("/", "-")).exists()
        }
    programs = [*PROGRAMS, *SMALL_PROGRAMS]
    chosen = [p for p in programs if p.clone in clones and (not options.only or p.name in options.only.split(","))]
    different, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(clones, pathlib.Path(folder), options.share)
        fixed = 0.0
        if not options.no_cost:
            fixed = bench.fixed(options.rounds)
            print(f"a program of one step takes {fixed:.2f} s more of CPU time when it is watched", flush=True)
        for program in chosen:
            print(
                f"{program.name}: {program.clone}/{program.folder} {' '.join(program.started(options.share))}",
                flush=True,
            )
            if not options.no_findings:
                differs = bench.compare(program, show=True)
                print(f"  DIFFERS in {', '.join(differs)}" if differs else "  the same end", flush=True)
                different += differs
            if not options.no_cost:
                ratios.append(bench.cost(program, options.rounds, fixed))
    if ratios:
        print(f"watched over unwatched: median {statistics.median(ratios):.3f}, worst {max(ratios):.3f}")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
