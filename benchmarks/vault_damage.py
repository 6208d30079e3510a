"""Damaged vaults: is every one refused, with a message that says what is wrong?

    python benchmarks/vault_damage.py [--times 10000] [--seed 0] [--kind TEXT] [--show]

Damages a vault, its ledger or the keys in each of some forty ways at random places, and asks for it by `verify`, by `open` and by
scoring an opening that began before. Prints a table: tried, refused, by which messages. Ends with 1 if one was not refused,
something else was raised, the files were changed, or the undamaged vault does not open afterwards.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "vault"))

from damage import KINDS, NotRefused, refused
from world import MODEL, PLAN, World, build, home, predict

from seatrial.vault.vault import Vault


def main() -> int:
    options = _arguments()
    random, began = Random(options.seed), time.monotonic()
    kinds = [name for name in KINDS if options.kind in name]
    with tempfile.TemporaryDirectory() as folder, home(Path(folder) / "home"):
        world = build(Path(folder))
        each = -(-options.times // len(kinds))
        print(f"{'tried':>6} {'refused':>7} {'messages':>8}  kind, and the slugs of the messages")
        failed = sum(_kind(name, each, random, world, options.show) for name in kinds)
        opened = _still_opens(world)
    print(
        f"{each * len(kinds) - failed:,} of {each * len(kinds):,} were refused in {time.monotonic() - began:.0f} s; "
        f"the undamaged vault {'verifies and opens' if opened else 'DOES NOT OPEN'} afterwards."
    )
    return 1 if failed or not opened else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", default="", help="only kinds whose name holds this")
    parser.add_argument("--show", action="store_true", help="one message of each kind")
    return parser.parse_args()


def _kind(name: str, times: int, random: Random, world: World, show: bool) -> int:
    """Damage in one way. Returns how often it was not refused."""
    failures: list[str] = []
    slugs: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for _ in range(times):
        try:
            problems = refused(world, KINDS[name](random, world))
        except NotRefused as failure:
            failures.append(str(failure))
        else:
            slugs.update(problem.slug for problem in problems.values())
            texts.update({problem.slug: str(problem) for problem in problems.values()})
    said = ", ".join(f"{slug} {count}" for slug, count in slugs.most_common())
    print(f"{times:6} {times - len(failures):7} {sum(slugs.values()):8}  {name}: {said}", flush=True)
    for failure in sorted(set(failures))[:5]:
        print(f"{'':24}NOT REFUSED: {failure[:200]}")
    world.restore()
    Vault(world.path).verify()
    for text in texts.values() if show else ():
        print(f"{'':24}{text}")
    return len(failures)


def _still_opens(world: World) -> bool:
    world.opening.score(predict)
    fresh = Vault(world.path).open(MODEL, PLAN, "afterwards").score(predict)
    return fresh.look == 4 and Vault(world.path).verify().looks == 4


if __name__ == "__main__":
    sys.exit(main())
