"""How fast the vault seals and opens 1 GB, against the age library alone on the same bytes, and in how much memory.

    python benchmarks/vault_speed.py [--folder DIR] [--rounds 5] [--megabytes 1024]

Alternately, in one run: the library's own encryption of a plain file (written to disk and synchronised), and sealing the same
bytes from arrays; the library's own decryption to nowhere, and opening: digests compared first, then every example read. Then one
whole `Vault.seal` (split, search for overlap, training part, sealed part) and one whole opening in processes of their own, with their
peak memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyrage

from seatrial.vault import age, digests
from seatrial.vault.archive import pack, unpack
from seatrial.vault.encryption import decrypted, encrypt
from seatrial.vault.sources import read, source_of

FEATURES = 4096
WHOLE = r"""
import re, sys, time
import numpy as np
from seatrial.vault.plan import Plan
from seatrial.vault.vault import Vault
folder, what = sys.argv[1:]
start = time.monotonic()
if what == "seal":
    Vault.seal(f"{folder}/data.safetensors", f"{folder}/test.vault", split=0.5, target="y")
else:
    weights = {"w": np.zeros(3)}
    opening = Vault(f"{folder}/test.vault").open(weights, Plan(), "speed")
    opening.score(lambda inputs: np.zeros(len(inputs["x"]), np.int64))
peak = re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read()).group(1)
print(time.monotonic() - start, int(peak) / 1024)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=1024)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        os.environ["SEATRIAL_HOME"] = str(folder / "home")
        make(folder / "data.safetensors", given.megabytes)
        compare(folder, given.rounds)
        for what in ("seal", "open"):
            command = [sys.executable, "-c", WHOLE, str(folder), what]
            seconds, memory = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            print(f"Vault.{what} as a whole: {float(seconds):.1f} s, at most {float(memory):.0f} MB of memory")


def make(path: Path, megabytes: int) -> None:
    """Arrays of random numbers with a class for each example, written piece by piece."""
    from safetensors.numpy import save_file

    examples = megabytes * 2**20 // (4 * FEATURES)
    generator = np.random.default_rng(0)
    x = np.empty((examples, FEATURES), np.float32)
    for at in range(0, examples, 4096):
        x[at : at + 4096] = generator.random((len(x[at : at + 4096]), FEATURES), np.float32)
    save_file({"x": x, "y": generator.integers(0, 10, examples)}, path)


def compare(folder: Path, rounds: int) -> None:
    """The library alone and the vault, by turns."""
    identity = pyrage.x25519.Identity.generate()
    key, recipient = age.identity_of(str(identity)), str(identity.to_public())
    assert key is not None
    plain, theirs, ours = folder / "plain", folder / "theirs", folder / "ours"
    source = source_of(folder / "data.safetensors", "y")
    everything = np.ones(len(source), np.bool_)
    with plain.open("wb") as file:
        for piece in pack(source.shards(everything)):
            file.write(piece)
    size = plain.stat().st_size
    digest: list[digests.Digest] = []

    def library_seals() -> None:
        pyrage.encrypt_file(str(plain), str(theirs), [identity.to_public()])
        synchronised(theirs)

    def vault_seals() -> None:
        ours.unlink(missing_ok=True)
        digest[:] = [encrypt(pack(source.shards(everything)), ours, recipient)]

    def library_opens() -> None:
        with theirs.open("rb") as file:
            pyrage.decrypt_io(file, Nowhere(), [identity])

    def vault_opens() -> None:
        with ours.open("rb") as file:
            digests.check(file, ours, digest[0])
            seen = sum(
                read(source.form, name, content).examples for name, content in unpack(decrypted(file, ours, key))
            )
        assert seen == len(source)

    ratios("seal", size, rounds, library_seals, vault_seals)
    ratios("open", size, rounds, library_opens, vault_opens)
    for path in (plain, theirs, ours):
        path.unlink()


def ratios(what: str, size: int, rounds: int, library: Callable[[], None], vault: Callable[[], None]) -> None:
    """Print the median throughputs and the median of their ratios, round by round."""
    times = [(seconds(library), seconds(vault)) for _ in range(rounds)]
    alone, with_vault = (statistics.median(each) for each in zip(*times, strict=True))
    found = [theirs / ours for theirs, ours in times]
    print(
        f"{what}: library {size / alone / 1e6:.0f} MB/s, vault {size / with_vault / 1e6:.0f} MB/s, "
        f"ratio {statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"
    )


def seconds(action: Callable[[], None]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def synchronised(path: Path) -> None:
    """On the disk, not only in its cache."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


class Nowhere:
    """Takes all and keeps nothing."""

    def write(self, piece: bytes) -> int:
        """Take a piece."""
        return len(piece)

    def flush(self) -> None:
        """Nothing is held."""


if __name__ == "__main__":
    main()
