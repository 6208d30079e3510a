"""Watching on a GPU: does it change anything, does it wait for the device, what does it cost, do the trials find the same?

    python benchmarks/gpu.py --out DIR [--device cuda] [--only unchanged,exact,syncs,trials,check,cost,whole] [--seconds 345] [--programs cnn,...]

Each run is a process of its own with a limit of its own; what it shows is appended to DIR/results.jsonl as it comes, and a
summary is printed at the end. With `--device cpu` everything is small: a test of this script.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gpu_programs import FAULTY, HEALTHY, clusters

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = str(HERE / "gpu_programs.py")
LARGE = ("mlp", "cnn", "transformer")


class Bench:
    """Where it runs, where results go, and until when."""

    def __init__(self, device: str, out: pathlib.Path, seconds: float, programs: str = "") -> None:
        self.device, self.out = device, out.resolve()
        self.end = time.monotonic() + seconds
        self.programs = programs.split(",") if programs else []
        self.lock = threading.Lock()
        self.rows: list[dict[str, Any]] = []
        self.out.mkdir(parents=True, exist_ok=True)

    def chosen(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if not self.programs or name in self.programs]

    @property
    def gpu(self) -> bool:
        return self.device != "cpu"

    def say(self, check: str, case: str, **figures: Any) -> None:
        row = {"check": check, "case": case, **figures}
        with self.lock:
            self.rows.append(row)
            with (self.out / "results.jsonl").open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row)[:600], flush=True)

    def run(self, *command: str, limit: float, threads: int = 1) -> subprocess.CompletedProcess[str]:
        """Run Python with arguments; a process that is stopped at its limit has status 124."""
        src = str(HERE.parent / "src")
        env = {**os.environ, "OMP_NUM_THREADS": str(threads), "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (src, env.get("PYTHONPATH", ""))))
        limit = min(limit, self.end - time.monotonic())
        if limit < 5:
            return subprocess.CompletedProcess(command, 124, "", "no time was left for it")
        # In a group of its own: the workers of a loader end with it.
        process = subprocess.Popen(
            [sys.executable, *command],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.out,
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            return subprocess.CompletedProcess(command, 124, stdout, f"{stderr[-300:]} stopped after {limit:.0f} s")
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    def program(self, name: str, *args: str, watched: tuple[str, ...] | None = None, limit: float = 90) -> Any:
        """Run one of the programs, plain or under `seatrial run` with options."""
        under = () if watched is None else ("-m", "seatrial", "run", "--quiet", *watched)
        return self.run(*under, PROGRAMS, name, "--device", self.device, *args, limit=limit)


def failure(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return {} if done.returncode == 0 else {"status": done.returncode, "stderr": done.stderr[-500:]}


def together(bench: Bench, jobs: list[Callable[[], None]]) -> None:
    """Several at a time where there are many cores. One that fails says so and ends none of the others."""

    def safely(job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            bench.say("failed", getattr(job, "__name__", "job"), error=f"{type(error).__name__}: {error}"[:400])

    with ThreadPoolExecutor(max(1, min(7, (os.cpu_count() or 2) // 2))) as pool:
        list(pool.map(safely, jobs))


# ---- the checks --------------------------------------------------------------------------------------------------


def unchanged(bench: Bench, name: str) -> None:
    """Plain twice, watched, and watched with trials at the first step: what each leaves and prints."""
    results: dict[str, dict[str, Any]] = {}
    errors: dict[str, str] = {}
    ways = {
        "plain": None,
        "again": None,
        "watched": ("--trials", "off"),
        "tried": ("--trials", "full", "--trials-first"),
    }
    for way, options in ways.items():
        target = bench.out / f"left-{name}-{way}.json"
        run = bench.out / f"unchanged-{name}-{way}"
        options = None if options is None else (*options, "--out", str(run))
        done = bench.program(name, "--left", str(target), watched=options)
        results[way] = {"status": done.returncode, "stdout": done.stdout}
        if target.exists():
            results[way] |= json.loads(target.read_text())
        errors[way] = done.stderr
    plain = results["plain"]
    steady = [key for key in plain if plain[key] == results["again"].get(key)]
    stopped = [way for way in ways if results[way]["status"] == 124]
    bench.say(
        "unchanged",
        name,
        finished=plain["status"] == 0,
        differs_between_plain_runs=[key for key in plain if key not in steady],
        stopped=stopped,
        changed={
            way: [key for key in steady if plain[key] != results[way].get(key)]
            for way in ("watched", "tried")
            if way not in stopped
        },
        new_lines_on_stderr={
            way: sorted(set(errors[way].splitlines()) - set((errors["plain"] + errors["again"]).splitlines()))[:5]
            for way in ("watched", "tried")
        },
        **(failure(done) if plain["status"] else {}),
    )


def syncs(bench: Bench, name: str, watched: bool) -> None:
    """Where the device is waited for."""
    way = "watched" if watched else "plain"
    target = bench.out / f"syncs-{name}-{way}.json"
    options = ("--trials", "off", "--out", str(bench.out / f"run-syncs-{name}")) if watched else None
    steps = "400" if bench.gpu else "40"
    done = bench.program(name, "--steps", steps, "--syncs", str(target), watched=options, limit=120)
    found = json.loads(target.read_text()) if target.exists() else {}
    late = {place: row for place, row in found.get("places", {}).items() if row["ticks"][-1] >= 160}
    ticks = sorted({tick for row in found.get("places", {}).values() for tick in row["ticks"]})
    bench.say(
        "syncs",
        f"{name} {way}",
        total=sum(row["count"] for row in found.get("places", {}).values()),
        steps_with_any=len(ticks),
        steps_after_160_with_any=[tick for tick in ticks if tick >= 160],
        places_after_160=late,
        profiled_40_more=found.get("profiled 40 more"),
        **failure(done),
    )


def findings(folder: pathlib.Path) -> dict[str, Any]:
    """Names of the findings of a run (notes apart) and what it did not look at."""
    file = folder / "findings.json"
    if not file.exists():
        return {"names": None}
    report = json.loads(file.read_text())
    return {
        "names": sorted(each["name"] for each in report["findings"] if each["severity"] != "note"),
        "notes": sorted(each["name"] for each in report["findings"] if each["severity"] == "note"),
        "proven": sorted(each["name"] for each in report["findings"] if each.get("proof")),
        "not_looked_at": report["not_looked_at"],
    }


def trials(bench: Bench, name: str) -> None:
    """The same program on the CPU and on the device under full trials."""
    found: dict[str, Any] = {}
    for device in dict.fromkeys(("cpu", bench.device)):
        folder = bench.out / f"trials-{name}-{device}"
        start = time.monotonic()
        command = ("-m", "seatrial", "run", "--quiet", "--out", str(folder), PROGRAMS, name, "--device", device)
        done = bench.run(*command, "--steps", "150", limit=110)
        found[device] = {**findings(folder), "seconds": round(time.monotonic() - start, 1), **failure(done)}
        log = folder / "seatrial.log"
        if log.exists():
            found[device]["log"] = log.read_text()[-1500:]
    names = [found[device]["names"] for device in found]
    bench.say("trials", name, same=all(each == names[0] for each in names), found=found)


def inner(bench: Bench, part: str, case: str, limit: float) -> None:
    """A part that runs in this file's own process: its last line of output is its result."""
    command = (str(HERE / "gpu.py"), "--part", part, case, "--device", bench.device)
    done = bench.run(*command, limit=limit, threads=4 if bench.gpu else 1)
    try:
        result = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        result = {"failed": True}
    bench.say(part, case, **result, **failure(done))


def whole(bench: Bench, name: str, pairs: int) -> None:
    """Whole runs by turns: from the start of the process to its end, the writing of the report included."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    size = ("--large", "--steps", "400") if bench.gpu else ("--steps", "40")
    for number in range(2 * pairs):
        watched = bool(number % 2)
        options = ("--trials", "off", "--out", str(bench.out / f"whole-{name}-{number}")) if watched else None
        start = time.monotonic()
        done = bench.program(name, *size, watched=options, limit=60)
        if done.returncode:
            bench.say("whole", name, **failure(done))
            return
        seconds[watched].append(time.monotonic() - start)
    ratios = [w / u for u, w in zip(seconds[False], seconds[True], strict=True)]
    bench.say("whole", name, median_ratio=statistics.median(ratios), unwatched=seconds[False], watched=seconds[True])


# ---- parts in a process of their own -----------------------------------------------------------------------------


def part_exact(device: str, name: str) -> dict[str, Any]:
    """Are steps replayed bit for bit?"""
    import torch

    import seatrial.taps as taps
    from seatrial.step.verification import Verifier

    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True, warn_only=True)
    verifier, events = Verifier(), list[Any]()
    watch = taps.install(events.append, verify=verifier)
    step, _ = HEALTHY[name](device, False)
    for _ in range(8):
        step()
    watch.finish()
    return {
        "steps": len(verifier.verdicts),
        "exact": sum(verdict.exact for verdict in verifier.verdicts),
        "why_not": sorted({verdict.why for verdict in verifier.verdicts if not verdict.exact}),
        "not_looked_at": [f"{e.what}: {e.why}" for e in events if type(e).__name__ == "NotLookedAt"],
    }


def part_check(device: str, where: str) -> dict[str, Any]:
    """`seatrial.check` of a task whose model and data live on the device; `where` is the device, or "cpu"."""
    import torch
    from gpu_programs import Softmaxed
    from torch.nn import functional as F  # noqa: N812
    from torch.utils.data import TensorDataset

    import seatrial

    torch.manual_seed(0)
    task = seatrial.Task(
        lambda: Softmaxed().to(where),
        F.cross_entropy,
        TensorDataset(*next(clusters(where, (32,)))),
        validation=TensorDataset(*next(clusters(where, (32,)))),
        metric=lambda outputs, targets: (outputs.argmax(1) == targets).float().mean(),
    )
    before = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    start = time.monotonic()
    found = seatrial.check(task, progress=False)
    after = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    kept = all(torch.equal(a, b) for a, b in zip(before, after, strict=False))
    return {**findings(found.folder), "generators_kept": kept, "seconds": round(time.monotonic() - start, 1)}


def part_cost(device: str, name: str) -> dict[str, Any]:
    """Equal blocks of steps, watched and unwatched by turns in one process, in wall time."""
    import torch
    from cost import unwatched

    import seatrial.taps as taps

    def timed(step: Callable[[], Any], steps: int) -> float:
        start = time.perf_counter()
        for _ in range(steps):
            step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - start

    large, rounds = device != "cpu", 9
    torch.manual_seed(0)
    plain, _ = HEALTHY[name](device, large)
    timed(plain, 20)
    watch = taps.install(lambda event: None)
    watched, _ = HEALTHY[name](device, large)
    usual = unwatched(watch, plain, 100 if large else 20, timed) / (100 if large else 20)
    first = [timed(watched, count) / count for count in ((10, 150, 40) if large else (10, 10, 10))]
    steps = max(20, int(1.0 / usual)) if large else 20
    pairs: list[tuple[float, float]] = []
    for number in range(rounds):
        both = [lambda: timed(watched, steps), lambda: unwatched(watch, plain, steps, timed)]
        order = (0, 1) if number % 2 else (1, 0)
        taken = {which: both[which]() for which in order}
        pairs.append((taken[0], taken[1]))
    ratios = [w / u for w, u in pairs]
    return {
        "median_ratio": statistics.median(ratios),
        "from_to": [min(ratios), max(ratios)],
        "ms_a_step": 1000 * usual,
        "ms_a_step_watched_in_steps_1_10_to_160_to_200": [1000 * each for each in first],
        "steps_a_block": steps,
        "blocks": len(pairs),
    }


PARTS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "exact": part_exact,
    "check": part_check,
    "cost": part_cost,
}


# ---- all of it ---------------------------------------------------------------------------------------------------


def machine(bench: Bench) -> None:
    code = (
        "import json, os, sys, torch; print(json.dumps({'torch': torch.__version__, 'python': sys.version.split()[0], "
        "'cores': os.cpu_count(), 'gpu': torch.cuda.get_device_name() if torch.cuda.is_available() else None}))"
    )
    done = bench.run("-c", code, limit=60)
    bench.say("machine", bench.device, **(json.loads(done.stdout) if done.returncode == 0 else failure(done)))


def jobs_of(bench: Bench, check: str) -> list[Callable[[], None]]:
    """The runs of one check; those of the checks that measure time come last and alone."""
    watched_or_not = (False, True)
    plain = [name for name in HEALTHY if name != "compiled"]
    match check:
        case "unchanged":
            return [lambda name=name: unchanged(bench, name) for name in bench.chosen(("compiled", *plain))]
        case "exact":
            return [lambda name=name: inner(bench, "exact", name, 60) for name in bench.chosen(plain)]
        case "syncs":
            names = ("cnn", "scaled_fp16", "accumulating")
            return [lambda n=n, w=w: syncs(bench, n, w) for n in bench.chosen(names) for w in watched_or_not]
        case "trials":
            names = (*FAULTY, "mlp", "transformer", "scaled_fp16", "default_device", "failing")
            return [lambda name=name: trials(bench, name) for name in bench.chosen(names)]
        case "check":
            return [lambda d=d: inner(bench, "check", d, 90) for d in dict.fromkeys(("cpu", bench.device))]
        case _:
            return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("gpu-results"))
    parser.add_argument("--only", default="cost,unchanged,exact,syncs,check,trials,whole")
    parser.add_argument("--programs", default="", help="only these, by name")
    parser.add_argument("--seconds", type=float, default=345.0)
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(PARTS[options.part[0]](options.device, options.part[1])))
        return
    bench, wanted = Bench(options.device, options.out, options.seconds, options.programs), options.only.split(",")
    start = time.monotonic()
    machine(bench)
    if "cost" in wanted:
        for name in bench.chosen(LARGE):
            inner(bench, "cost", name, 60)
    together(bench, [job for check in wanted for job in jobs_of(bench, check)])
    if "whole" in wanted:
        whole(bench, "cnn", 3 if bench.gpu else 1)
    summary(bench, time.monotonic() - start)


def summary(bench: Bench, seconds: float) -> None:
    """What matters of all results, in a few lines."""
    print(f"\n== {len(bench.rows)} results in {seconds:.0f} s, in {bench.out / 'results.jsonl'}")
    for row in bench.rows:
        match row["check"]:
            case "unchanged":
                word = "CHANGED  " if any(row["changed"].values()) else "unchanged" if row["changed"] else "unknown  "
                print(f"{word} {row['case']}: {row['changed']}, stopped: {row['stopped']}")
            case "exact":
                print(f"exact     {row['case']}: {row.get('exact')} of {row.get('steps')} {row.get('why_not')}")
            case "syncs":
                late = len(row["steps_after_160_with_any"])
                print(f"syncs     {row['case']}: {row['total']} in all, {late} steps after the 160th")
            case "trials":
                names = {device: found["names"] for device, found in row["found"].items()}
                print(f"{'same     ' if row['same'] else 'DIFFERENT'} {row['case']}: {names}")
            case "check":
                print(f"check     {row['case']}: {row.get('names')} generators kept: {row.get('generators_kept')}")
            case "cost" | "whole":
                figures = f"{row.get('median_ratio') or -1:.3f}, {row.get('ms_a_step') or -1:.2f} ms a step"
                print(f"{row['check']:9} {row['case']}: {figures}")
            case _:
                print(json.dumps(row)[:300])


if __name__ == "__main__":
    main()
