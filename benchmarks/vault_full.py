"""A disk that becomes full while a vault is sealed or opened: is it told, and is nothing lost?

    python benchmarks/vault_full.py [--rows 20000] [--steps 40]

Needs root and Linux: a small tmpfs is mounted and filled until so much is left, from nothing to what sealing needs, in even steps; the
vault, the training part and the user's own folder lie there. Each time sealing must be refused in words and leave nothing, or be done; then
a vault is opened and scored in the same way. Ends with 1 where it was otherwise.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "vault"))

from world import MODEL, PLAN, home, predict, table

from seatrial.errors import UsageProblem
from seatrial.vault import ledger
from seatrial.vault.identities import own
from seatrial.vault.vault import Vault

TOLD = ("vault-disk-full", "vault-heads")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("This needs root: it mounts a small disk.")
        return 2
    failed = 0
    with tempfile.TemporaryDirectory() as name, _small_disk(Path(name) / "disk", 32 << 20) as disk:
        data = table(Path(name) / "data.csv", options.rows)
        most = data.stat().st_size + (64 << 10)
        rooms = [most * step // options.steps for step in range(options.steps + 1)]
        for what, attempt in (("sealing", _seal), ("opening", _open)):
            states: Counter[str] = Counter()
            for room in rooms if what == "sealing" else [one * (64 << 10) // most for one in rooms]:
                state = attempt(disk, data, room)
                states[state] += 1
                if state.startswith("NOT"):
                    failed += 1
                    print(f"  {what} with {room:,} bytes of room: {state}")
            print(f"{what}: {dict(states)}", flush=True)
    return 1 if failed else 0


@contextmanager
def _small_disk(place: Path, size: int) -> Generator[Path]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@contextmanager
def _filled(disk: Path, room: int) -> Generator[None]:
    """Within it so many bytes are left (in whole pages)."""
    state, filler = os.statvfs(disk), disk / "filler"
    try:
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, state.f_bavail * state.f_frsize - room))
        yield
    finally:
        filler.unlink()


def _seal(disk: Path, data: Path, room: int) -> str:
    folder = disk / "work"
    folder.mkdir()
    with home(disk / "home"):
        own(make=True)
        before = sorted(path for path in disk.rglob("*") if path.name != "heads.sqlite")
        try:
            with _filled(disk, room):
                Vault.seal(data, folder / "test.vault", target="label", training=folder / "t.csv")
            state = "sealed"
        except UsageProblem as problem:
            state = problem.slug if problem.slug in TOLD else f"NOT told: {problem}"
            left = sorted(path for path in disk.rglob("*") if path.name != "heads.sqlite")
            if left != before:
                state = f"NOT clean: {[path.name for path in left if path not in before]}"
            Vault.seal(data, folder / "test.vault", target="label", training=folder / "t.csv")
        if Vault(folder / "test.vault").verify().looks != 0:
            state = "NOT a vault"
    _clear(folder, disk / "home")
    return state


def _open(disk: Path, data: Path, room: int) -> str:
    folder = disk / "work"
    folder.mkdir()
    with home(disk / "home"):
        vault = Vault.seal(data, folder / "test.vault", target="label", training=folder / "t.csv").vault
        for number in range(4):
            vault.open(MODEL, PLAN, f"number {number}")
        before = ledger.ledger_of(vault.path).read_bytes()
        try:
            with _filled(disk, room):
                vault.open(MODEL, PLAN, "the last").score(predict)
            state = "scored"
        except UsageProblem as problem:
            state = problem.slug if problem.slug in TOLD else f"NOT told: {problem}"
        if not ledger.ledger_of(vault.path).read_bytes().startswith(before):
            state = "NOT the ledger that was"
        if vault.verify().looks != 5 and state == "scored":
            state = "NOT counted"
        vault.open(MODEL, PLAN, "again").score(predict)
        vault.verify()
    _clear(folder, disk / "home")
    return state


def _clear(*folders: Path) -> None:
    for folder in folders:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
