"""Which one of several processes this is, as torchrun and its like say it through the environment; the folder that they share.

They agree on it through the file system alone: a process group of the program is never used, and no port is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.events import RankStarted
from seatrial.launch.folder import OURS, not_ours, taken_folder, unusable
from seatrial.launch.program import Program
from seatrial.record import NAME
from seatrial.record.ranks import is_name, name_of, place_in

# A claim on a folder that is older belongs to another launch: processes wait at most so long for each other (the timeout of
# torch.distributed.init_process_group).
FRESH_SECONDS = 1800.0
LAUNCHERS = frozenset({"torch.distributed.run", "torch.distributed.launch", "accelerate.commands.launch"})
LAUNCHING_SCRIPTS = frozenset({"torchrun", "accelerate"})
# Made by the first rank that fails, once for each attempt.
FAILED = ".failed-"


@dataclass(frozen=True, slots=True)
class Rank:
    """This process among `world_size`. `first_here`: the first one on its machine. `attempt`: how often all were started
    anew, of at most `attempts` times. `launch` is the same in all of them."""

    rank: int
    world_size: int
    first_here: bool
    attempt: int
    attempts: int
    launch: str

    @property
    def record(self) -> str:
        """The name of its record."""
        return name_of(self.rank, self.attempt)

    def started(self) -> RankStarted:
        return RankStarted(self.rank, self.world_size, self.attempt, self.launch, os.getpid(), socket.gethostname())


def starts_others(program: Program) -> bool:
    """Whether a program is a launcher: it trains nothing itself, whatever its environment says (that of a cluster, for each machine)."""
    return program.name in LAUNCHERS if program.is_module else os.path.basename(program.name) in LAUNCHING_SCRIPTS


def of_environment(environment: Mapping[str, str], started_by_us: bool = False) -> Rank | None:
    """Which rank a launcher has made this process; None where it is alone (also as the only one of one, unless that was
    `started_by_us`)."""
    rank, world_size = _number(environment, "RANK"), _number(environment, "WORLD_SIZE")
    if started_by_us and world_size < 2:
        rank, world_size = 0, 1
    elif world_size < 2 or not 0 <= rank < world_size:
        return None
    # torchrun gives each launch an id of its own, unless several nodes meet at a fixed address.
    name = environment.get("TORCHELASTIC_RUN_ID", "none")
    address = f"{environment.get('MASTER_ADDR', '')}:{environment.get('MASTER_PORT', '')}"
    return Rank(
        rank,
        world_size,
        _number(environment, "LOCAL_RANK") in (-1, 0),
        max(0, _number(environment, "TORCHELASTIC_RESTART_COUNT")),
        max(0, _number(environment, "TORCHELASTIC_MAX_RESTARTS")),
        address if name in ("", "none") else name,
    )


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else -1


# ---- the folder ----------------------------------------------------------------------------------------------------


def shared_folder(program: Program, rank: Rank) -> Path:
    """The folder of a launch below seatrial-runs/: the first of its processes to come gives it a name, the others find it."""
    claim = claim_of(rank)
    with contextlib.suppress(OSError):
        claim.parent.mkdir(exist_ok=True)
    for _ in range(8):
        named = _named_by(claim)
        if named is not None:
            if _joinable(claim, named, rank):
                return named
            with contextlib.suppress(OSError):
                claim.unlink()
        folder = taken_folder(program)
        try:
            with claim.open("x", encoding="utf-8") as file:
                file.write(folder.name)
            return folder
        except FileExistsError:
            folder.rmdir()
        except OSError:  # then it cannot be written to, which is said where the folder is made
            return folder
    return taken_folder(program)


def claim_of(rank: Rank) -> Path:
    """The file by which the processes of a launch find their folder."""
    return Path("seatrial-runs") / f".launch-{hashlib.sha256(rank.launch.encode()).hexdigest()[:12]}"


def _named_by(claim: Path) -> Path | None:
    """The folder that a claim names; one that was just made may not hold its name yet."""
    for _ in range(20):
        try:
            name = claim.read_text(encoding="utf-8")
        except OSError:
            return None
        if name:
            return claim.with_name(name)
        time.sleep(0.05)
    return claim.with_name("?")


def _joinable(claim: Path, folder: Path, rank: Rank) -> bool:
    """Whether a claim is this launch's: it is not old (but all may be started anew after long), and the place is free."""
    try:
        fresh = time.time() - claim.stat().st_mtime < FRESH_SECONDS
    except OSError:
        return False
    return folder.name != "?" and (fresh or rank.attempt > 0) and not (folder / rank.record).exists()


def prepare_for(folder: Path, rank: Rank) -> Path:
    """Make the folder if it is not there and take away what an earlier launch left in the place of this rank. Returns its
    absolute path.

    Raises:
        UsageProblem: it cannot be written to, or it holds things and is not the folder of earlier runs.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = sorted(path.name for path in folder.iterdir())
        others = [name for name in names if name not in OURS and not name.startswith(".")]
        if others and NAME not in names and not any(map(is_name, names)):
            raise not_ours(folder, others)
        for name in names:
            if _is_left_over(name, rank):
                (folder / name).unlink(missing_ok=True)
        probe = folder / f".{rank.record}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise unusable(folder, error) from error
    return folder.resolve()


def _is_left_over(name: str, rank: Rank) -> bool:
    if is_name(name):
        of, attempt = place_in(name)
        if of == rank.rank:
            return attempt >= rank.attempt
        return rank.rank == 0 and of >= rank.world_size and rank.attempt == 0
    return rank.rank == 0 and rank.attempt == 0 and (name in OURS or name.startswith(FAILED))
