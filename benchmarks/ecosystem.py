"""What the rules say of whole corpora, and what a change of theirs changed. Runs each program once and keeps its record;
from then on records are only judged anew, by the rules as they are now, in seconds.

    python benchmarks/ecosystem.py --store DIR ../shared/faults ../shared/healthy tests/corpus/faults tests/corpus/healthy
        [--only TEXT] [--anew] [--jobs 2]

A folder holds `<case>/case.toml` with `faulty.py` and `fixed.py`, or with `program.py`. `--anew` runs programs again: do so
after a change of taps, measures or trials. Prints each case and, at the end, the findings that came and went since the
last time. Counts as ../shared/score.py does: errors and warnings only, lines within 2.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

LINES_OFF = 2
KINDS = {"faulty.py": "faulty", "fixed.py": "fixed", "program.py": "healthy"}


@dataclass
class Judged:
    """What was found in a program: [name, [[file, line], ...]] of errors and warnings, the most important first."""

    found: list[tuple[str, list[tuple[str, int]]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trouble: str = ""


@dataclass(frozen=True)
class Case:
    """One program of a case, and where its record is kept."""

    program: pathlib.Path
    facts: dict[str, Any]
    store: pathlib.Path

    @property
    def name(self) -> str:
        return f"{self.program.parent.name} ({KINDS[self.program.name]})"


def cases(folders: list[pathlib.Path], store: pathlib.Path, only: str) -> list[Case]:
    """All programs of all folders."""
    found: list[Case] = []
    for folder in folders:
        for toml in sorted(folder.resolve().glob("*/case.toml")):
            facts = tomllib.loads(toml.read_text())
            programs = [toml.parent / name for name in KINDS if (toml.parent / name).exists()]
            found += [Case(program, facts, store / toml.parent.name / program.stem) for program in programs]
    return [case for case in found if only in case.name]


def record(case: Case, anew: bool) -> None:
    """Run a program under seatrial, unless its record is there already."""
    if (case.store / "record.sqlite").exists() and not anew:
        return
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "seatrial", "run", "--quiet", "--out", str(case.store), str(case.program)]
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(command, cwd=work, env=env, capture_output=True, check=False)
    print(".", end="", flush=True)


def judge(case: Case) -> Judged:
    """What the rules say now."""
    from seatrial.record import read
    from seatrial.verdict import judge as verdict_on

    try:
        verdict = verdict_on(read(case.store / "record.sqlite"))
    except Exception as error:
        return Judged(trouble=f"{type(error).__name__}: {error}")
    broken = [f"{each.what}: {each.why}" for each in verdict.not_looked_at if "failed" in each.why]
    alarms = [finding for finding in verdict.findings if finding.severity != "note"]
    found = [(f.name, [(os.path.basename(p.file), p.line) for p in f.where]) for f in alarms]
    return Judged(found, [finding.name for finding in verdict.of("note")], "; ".join(broken))


def line_of(case: Case, judged: Judged) -> tuple[str, dict[str, bool]]:
    """A line of the table, and what counts."""
    names = [name for name, _ in judged.found]
    if KINDS[case.program.name] != "faulty":
        granted = {*case.facts.get("true_of_fixed", []), *case.facts.get("true_of_it", [])}
        false = sorted({*names} - granted)
        return (f"ALARM     {case.name}: {false}" if false else ""), {"well": True, "alarmed": bool(false)}
    causes, symptoms = {*case.facts["causes"]}, {*case.facts.get("symptoms", [])}
    named = [places for name, places in judged.found if name in causes]
    located = any(
        file == "faulty.py" and abs(line - wanted) <= LINES_OFF
        for places in named
        for file, line in places
        for wanted in case.facts.get("lines", [])
    )
    noticed = bool({*names} & (causes | symptoms))
    word = "diagnosed" if named else "noticed" if noticed else "MISSED"
    text = f"{word:9} {'located' if located else '       '} {case.name}: wanted {sorted(causes)}, said {names}"
    if not located:
        text += f", notes {judged.notes}"
    return text, {"faulty": True, "diagnosed": bool(named), "located": located, "noticed": noticed}


def changes(store: pathlib.Path, now: dict[str, list[str]]) -> list[str]:
    """Findings that came (+) and went (-) since the last time."""
    kept = store / "last.json"
    before: dict[str, list[str]] = json.loads(kept.read_text()) if kept.exists() else {}
    lines: list[str] = []
    for name, found in now.items():
        if name in before:
            lines += [f"  + {name}: {each}" for each in sorted({*found} - {*before[name]})]
            lines += [f"  - {name}: {each}" for each in sorted({*before[name]} - {*found})]
    kept.write_text(json.dumps(before | now, indent=1))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--store", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--anew", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    options.store.mkdir(parents=True, exist_ok=True)
    work = cases(options.folders, options.store.resolve(), options.only)
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda case: record(case, options.anew), work))
    print()
    totals: dict[str, int] = {}
    found: dict[str, list[str]] = {}
    with ProcessPoolExecutor(options.jobs) as judges:
        for case, judged in zip(work, judges.map(judge, work), strict=True):
            text, counted = line_of(case, judged)
            if text or judged.trouble:
                print(text or f"{case.name}:", f"BROKE {judged.trouble}" if judged.trouble else "")
            found[case.name] = [name for name, _ in judged.found]
            for key, value in counted.items():
                totals[key] = totals.get(key, 0) + value
    print("\n".join(["changed since the last time:", *changes(options.store, found)]))
    print(json.dumps(totals))


if __name__ == "__main__":
    main()
