"""`Vault`: seal, open, log, verify."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seatrial.errors import UsageProblem
from seatrial.vault import age, bodies, digests, ledger
from seatrial.vault.bodies import SealedBody
from seatrial.vault.entries import Entry
from seatrial.vault.frozen import frozen
from seatrial.vault.identities import SIGNING, Card, Identity, own
from seatrial.vault.opening import Earlier, Opening, earlier
from seatrial.vault.plan import Plan
from seatrial.vault.policy import Policy
from seatrial.vault.refusal import damaged, disk_errors
from seatrial.vault.sealing import Choice, divide, seal
from seatrial.vault.staging import finish


@dataclass(frozen=True, slots=True)
class Verified:
    """An undamaged vault. `remembered`: its ledger was seen before on this machine, so that a rollback would have shown."""

    entries: tuple[Entry, ...]
    looks: int
    remembered: bool

    @property
    def head(self) -> str:
        """The hash of the last entry. Who knows it can tell later that nothing was taken back."""
        return self.entries[-1].hash


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing has made. `sealed`: what may be known of it; `training`: where the training part lies, or for a torch data set the part itself; `notes`: what is to be
    known of the split."""

    vault: Vault
    sealed: SealedBody
    training: Any
    notes: tuple[str, ...]


class Vault:
    """Sealed test data and the ledger of its openings, in the two files `path` and `path.ledger`.

    Raises:
        UsageProblem: there is no vault at this path.
        Damaged: the ledger is not what it was.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with disk_errors("Reading the vault", self.path):
            finish(self.path)
            _check_is_vault(self.path)
        self._entries()

    @staticmethod
    def seal(
        data: Any,
        to: str | Path,
        *,
        split: float | int = 0.2,
        stratify: bool | str = False,
        groups: str | ArrayLike | None = None,
        time: str | ArrayLike | None = None,
        target: str | None = None,
        seed: int = 0,
        duplicates: str = "refuse",
        ignore: Sequence[str] = (),
        training: str | Path | None = None,
        custodian: Card | str | Path | None = None,
        policy: Policy | str = "widened",
    ) -> Sealed:
        """Split data and seal the test part.

        Args:
            data: the path of a table (CSV, Parquet), of arrays (npz, safetensors) or of a folder of files by class; or a torch data set.
            to: the file to be made; its ledger lies beside it.
            split: the share of the examples that are sealed, or their number.
            stratify: each class has its share on both sides; or the column that this is to hold for.
            groups: a column whose values are not to stand on both sides; or these values, one an example.
            time: a column by which the latest examples are sealed; or its values.
            target: the column or the array with the answers.
            seed: of the split.
            duplicates: "refuse", "move" or "keep" examples that stand on both sides.
            ignore: columns that say which example it is, not what it is: duplicates are looked for without them.
            training: where the training part is written; beside the data if nothing is given.
            custodian: the card of the one who alone may open it (text or file); you yourself if nothing is given.
            policy: what looks after the first one cost: "widened", "ladder", "thresholdout", or a `Policy`.

        Raises:
            UsageProblem: the data cannot be split so, a place is taken, the disk is full. Nothing has been changed then.
        """
        vault = Path(to)
        choice = Choice(split, stratify, _column(groups), _column(time), seed, duplicates, tuple(ignore))
        card = custodian if custodian is None or isinstance(custodian, Card) else Card.read(custodian)
        rule = policy if isinstance(policy, Policy) else Policy(policy)
        divided = divide(data, target, choice)
        place = _training_place(data, training)
        seal(divided, choice, vault, place, card, rule)
        kept = place if place is not None else divided.source.training(~divided.test)
        made = Vault(vault)
        return Sealed(made, made.sealed, kept, divided.notes)

    def open(self, model: Any, plan: Plan, reason: str, *, training: float | None = None) -> Opening:
        """Open the vault for one model. The plan is written to the ledger before anything is decrypted, and the look counts.

        Args:
            model: what is to be measured, frozen: a file of weights, a torch module, or a dict of arrays.
            plan: what is measured, and against what.
            reason: why now.
            training: the score on the training data, where the vault answers through Thresholdout.

        Raises:
            UsageProblem: it is sealed to somebody else, or the plan cannot be answered.
            Damaged: the vault or its ledger is not what it was; nothing is decrypted then.
        """
        if not reason.strip():
            raise UsageProblem(
                "Expected a reason for this look, found none.", "vault-reason", 'For instance "the final model".'
            )
        first = bodies.sealed(self._entries()[0])
        identity = self._owner(first)
        hashed = frozen(model)
        state = self._check_sealed(first)

        def compose(entries: tuple[Entry, ...]) -> tuple[str, dict[str, Any]]:
            look = 1 + sum(each.kind == "opened" for each in entries)
            first.policy.check(plan, look=look, training=training is not None)
            model_written = {"hash": hashed.hash, "of": hashed.of}
            return "opened", {"look": look, "model": model_written, "plan": plan.written, "reason": reason}

        entries = ledger.append(self.path, identity, compose)
        return Opening(self.path, identity, entries, hashed, plan, training, state)

    def earlier(self, model: Any, plan: Plan, reason: str) -> Earlier | None:
        """The last opening for the same frozen model, with the same plan and for the same reason, as it stands in the ledger: what an
        interrupted program asks before it takes another look. None where there was none.

        Raises:
            UsageProblem: the model is none that can be frozen.
        """
        return earlier(self._entries(), frozen(model).hash, plan, reason)

    @property
    def sealed(self) -> SealedBody:
        """What may be known of the data while they are sealed."""
        return bodies.sealed(self._entries()[0])

    def log(self) -> tuple[Entry, ...]:
        """All entries of the ledger, checked."""
        return self._entries()

    def verify(self, head: str = "", progress: Callable[[int], None] = lambda done: None) -> Verified:
        """Check every entry, the order and the signatures, that nothing was taken back, and every byte of the sealed file.

        Args:
            head: the hash of an entry that is known to have been written (a receipt).
            progress: called with the number of bytes that were read.

        Raises:
            Damaged: what is wrong, and where.
        """
        entries, remembered = ledger.seen(self.path)
        first = bodies.sealed(entries[0])
        if head and head not in (each.hash for each in entries):
            raise damaged(
                f"The ledger has no entry with the hash {head}: it was put back or written anew.", "vault-rolled-back"
            )
        self._check_sealed(first, progress)
        ledger.remember(self.path)
        return Verified(entries, sum(each.kind == "opened" for each in entries), remembered)

    # ---- inner steps ---------------------------------------------------------------------------------------------

    def _entries(self) -> tuple[Entry, ...]:
        return ledger.seen(self.path)[0]

    def _owner(self, first: SealedBody) -> Identity:
        identity, recipient = own(), first.recipient
        if identity.card.recipient != recipient:
            who = "the custodian" if first.custodian else "somebody else"
            raise UsageProblem(
                f"Expected the identity of {recipient}, found that of {identity.card.recipient}: this vault is sealed to {who}.",
                "vault-not-yours",
                "Give the frozen model and the plan to whoever holds that identity.",
            )
        if identity.card.key not in first.keepers:
            raise UsageProblem(
                f"Expected the key that may sign in this ledger, found another one in {identity.folder / SIGNING}.",
                "vault-not-yours",
                "Put back the copy that belongs to this identity; what another key signs is refused.",
            )
        return identity

    def _check_sealed(self, first: SealedBody, progress: Callable[[int], None] = lambda done: None) -> digests.State:
        with disk_errors("Reading the vault", self.path), self.path.open("rb") as file:
            return digests.check(file, self.path, first.digest, progress)


def _check_is_vault(path: Path) -> None:
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise UsageProblem(
            f"Expected a vault at {path}, found {found}.", "vault-no-file", "Give the path of the sealed file."
        )
    with path.open("rb") as file:
        start = file.read(len(age.MAGIC))
    if start != age.MAGIC:
        if ledger.ledger_of(path).exists():
            raise damaged(f"{path} was changed at its beginning: it is no age file any more.", "vault-changed")
        hint = "seatrial vault seal makes one."
        raise UsageProblem(
            f"Expected a vault at {path}, found a file that begins with {start[:16]!r}.", "vault-none", hint
        )


def _training_place(data: Any, given: str | Path | None) -> Path | None:
    """Where the training part of data that lie in files is written."""
    if not isinstance(data, (str, Path)):
        return None
    path = Path(data)
    return Path(given) if given is not None else path.with_name(f"{path.stem}-training{path.suffix}")


def _column(given: str | ArrayLike | None) -> str | NDArray[Any] | None:
    """The name of a column, or its values as an array."""
    return given if given is None or isinstance(given, str) else np.asarray(given)
