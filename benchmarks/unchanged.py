"""Does watching change anything? Runs every program of the given folders with and without seatrial and compares what each
leaves: the weights (bit for bit), the states of all random generators, standard output, exit status. Prints a table.

    python benchmarks/unchanged.py ../shared/faults ../shared/healthy

A customisation of Python's start-up, equal on both sides, keeps what optimizers stepped on and the parameters that modules
were given, and hashes them at the exit.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CUSTOMISATION = """
import atexit, hashlib, json, os, random, sys
if os.environ.get("UNCHANGED_TO"):
    _target, _process = os.environ.pop("UNCHANGED_TO"), os.getpid()
    import torch
    from torch.nn.modules.module import register_module_parameter_registration_hook
    from torch.optim.optimizer import register_optimizer_step_post_hook
    _kept = {}

    def _keep(optimizer, args, kwargs):
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                _kept.setdefault(id(parameter), parameter)

    def _keep_parameter(module, name, parameter):
        if parameter is not None:
            _kept.setdefault(id(parameter), parameter)

    register_optimizer_step_post_hook(_keep)
    register_module_parameter_registration_hook(_keep_parameter)

    def _hash():
        if os.getpid() != _process:
            return
        weights = hashlib.sha256()
        for tensor in _kept.values():
            weights.update(tensor.detach().contiguous().cpu().numpy().tobytes())
        numpy = sys.modules["numpy"].random.get_state() if "numpy" in sys.modules else ()
        left = {
            "weights": weights.hexdigest(),
            "torch generator": hashlib.sha256(torch.get_rng_state().numpy().tobytes()).hexdigest(),
            "numpy generator": hashlib.sha256(repr([part if not hasattr(part, "tobytes") else part.tobytes() for part in numpy]).encode()).hexdigest(),
            "random generator": hashlib.sha256(repr(random.getstate()).encode()).hexdigest(),
            "tensors": len(_kept),
        }
        with open(_target, "w") as file:
            json.dump(left, file)

    atexit.register(_hash)
"""


def run(command: list[str], customisation: str) -> dict[str, Any]:
    """Run a command in an empty folder; what it left."""
    with tempfile.TemporaryDirectory() as folder:
        target = pathlib.Path(folder, "left.json")
        env = {**os.environ, "OMP_NUM_THREADS": "1", "UNCHANGED_TO": str(target), "PYTHONPATH": customisation}
        work = pathlib.Path(folder, "work")
        work.mkdir()
        done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True)
        left = json.loads(target.read_text()) if target.exists() else {}
    # Durations that a program prints differ from run to run.
    text = re.sub(r"\d+\.\d+ ?s\b", "", done.stdout)
    return {**left, "stdout": text, "status": done.returncode, "stderr": done.stderr}


def compare(program: pathlib.Path, customisation: str) -> tuple[pathlib.Path, list[str], int]:
    """What differs between the plain and the watched run, but not from one plain run to the next (generators that the
    program does not seed start anywhere)."""
    plain = run([sys.executable, str(program)], customisation)
    with tempfile.TemporaryDirectory() as out:
        watched = run([sys.executable, "-m", "seatrial", "run", "--quiet", "--out", out, str(program)], customisation)
    different = [key for key in plain if key != "stderr" and plain[key] != watched.get(key)]
    if different:
        again = run([sys.executable, str(program)], customisation)
        different = [key for key in different if plain[key] == again.get(key)]
    return program, different, plain.get("tensors", 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    programs = sorted(path.resolve() for folder in options.folders for path in folder.glob("*/*.py"))
    programs = [path for path in programs if options.only in str(path)]
    same = 0
    with tempfile.TemporaryDirectory() as customisation, ThreadPoolExecutor(options.jobs) as pool:
        pathlib.Path(customisation, "sitecustomize.py").write_text(CUSTOMISATION)
        for program, different, tensors in pool.map(lambda path: compare(path, customisation), programs):
            same += not different
            verdict = f"DIFFERS in {', '.join(different)}" if different else "unchanged"
            print(f"{verdict:12} {program.parent.name}/{program.name} ({tensors} tensors)", flush=True)
    print(f"{same} of {len(programs)} programs left the same weights, generators, output and status")


if __name__ == "__main__":
    main()
