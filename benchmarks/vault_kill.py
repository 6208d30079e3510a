"""Sealing and opening, killed at random moments: is what is left the old state or the new one?

    python benchmarks/vault_kill.py [--times 200] [--rows 40000] [--seed 0]

Half of the times a sealing is ended, half an opening; half of these by kill -9, a quarter by SIGINT, a quarter by SIGTERM, at moments
that are spread evenly over how long they take. After a sealing either all of vault, ledger and training part are there and verify, or none
is, the data are as they were and can be sealed. After an opening the ledger verifies and has no new entry, the opening, or its scores
too. All the while the folder and $TMPDIR are searched for plain copies of the rows. Prints how often which state was found; ends with 1
where it was another.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "vault"))

from killing import Place, Torn, check_clean, check_opening, check_sealing, opening, place, run, sealing
from world import home

from seatrial.errors import UsageProblem

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
Moment = tuple[float, signal.Signals]


def main() -> int:
    options = _arguments()
    random, began = Random(options.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        where = place(Path(folder), options.rows)
        half = options.times // 2
        failed = _sealings(where, half, random)
        with home(where.folder / "home"):
            where.seal()
        failed += _openings(where, options.times - half, random)
    print(
        f"{options.times - failed} of {options.times} left the old or the new state, in {time.monotonic() - began:.0f} s."
    )
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _moments(took: float, times: int, random: Random) -> list[Moment]:
    """Spread over how long it takes and a little more, one at random in each of as many equal spans."""
    span = took * 1.1 / times
    found = [((number + random.random()) * span, SIGNALS[number % len(SIGNALS)]) for number in range(times)]
    random.shuffle(found)
    return found


def _sealings(where: Place, times: int, random: Random) -> int:
    data = where.data.read_bytes()
    run(where, sealing(where))
    check_sealing(where, data)
    took = run(where, sealing(where)) or 0.0
    check_sealing(where, data)
    print(f"sealing takes {took:.2f} s")
    states: Counter[str] = Counter()
    for moment in _moments(took, times, random):
        try:
            run(where, sealing(where), moment)
            states[check_sealing(where, data)] += 1
        except (Torn, UsageProblem) as torn:
            states["torn"] += 1
            print(f"  {moment[1].name} after {moment[0]:.3f} s: {torn}")
    print(f"  {dict(states)}", flush=True)
    return states["torn"]


def _openings(where: Place, times: int, random: Random) -> int:
    took = run(where, opening(where)) or 0.0
    print(f"opening takes {took:.2f} s")
    states: Counter[str] = Counter()
    entries, _ = check_opening(where, 1)
    for moment in _moments(took, times, random):
        try:
            run(where, opening(where), moment)
            entries, state = check_opening(where, entries)
            states[f"new entries: {state}"] += 1
        except (Torn, UsageProblem) as torn:
            states["torn"] += 1
            print(f"  {moment[1].name} after {moment[0]:.3f} s: {torn}")
    run(where, opening(where))
    check_opening(where, entries)
    check_clean(where)
    print(f"  {dict(states)}", flush=True)
    return states["torn"]


if __name__ == "__main__":
    sys.exit(main())
