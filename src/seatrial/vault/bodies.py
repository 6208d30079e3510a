"""What the entries of a ledger say, as typed values. What is not of its form is damage, though somebody has signed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from seatrial.errors import UsageProblem
from seatrial.vault.digests import Digest
from seatrial.vault.entries import Entry
from seatrial.vault.policy import Policy
from seatrial.vault.refusal import damaged

FORMAT = 1
_Body = TypeVar("_Body")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of examples."""

    training: int
    test: int


@dataclass(frozen=True, slots=True)
class SealedBody:
    """The first entry: what was sealed.

    vault      a name that no other vault has (32 hexadecimal digits).
    recipient  the age recipient that alone can decrypt.
    keepers    the Ed25519 keys that may sign: of who sealed, and of the custodian.
    custodian  whether who sealed cannot open.
    digest     of the sealed file.
    examples   how many.
    classes    the names of the classes in order, where there are some.
    looked     in words, what was compared for overlap.
    """

    vault: str
    recipient: str
    keepers: tuple[str, ...]
    custodian: bool
    digest: Digest
    examples: Sizes
    classes: tuple[str, ...]
    looked: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class OpenedBody:
    """An opening: the number of the look (from 1), whose model, the plan, and why."""

    look: int
    model: dict[str, str]
    metrics: tuple[str, ...]
    baseline: dict[str, float]
    reason: str


@dataclass(frozen=True, slots=True)
class ScoredBody:
    """The scores of an opening (the number of its entry): hash of the predictions, answers by metric, what the next answers need."""

    opening: int
    look: int
    examples: int
    predictions: str
    answers: dict[str, dict[str, Any]]
    state: dict[str, Any]


def sealed(entry: Entry) -> SealedBody:
    """The first entry of a ledger.

    Raises:
        Damaged: it is no such entry.
        UsageProblem: a newer seatrial wrote it.
    """
    written = entry.body.get("format")
    if isinstance(written, int) and written > FORMAT:
        raise UsageProblem(
            f"This vault was sealed in format {written}, this seatrial reads format {FORMAT}.",
            "vault-newer",
            "Install a newer seatrial: pip install --upgrade seatrial",
        )
    if entry.kind != "sealed" or written != FORMAT:
        raise damaged("The ledger does not begin with the sealing of a vault.", "vault-ledger-order")
    return _read(entry, _sealed)


def opened(entry: Entry) -> OpenedBody:
    """An entry of the kind "opened".

    Raises:
        Damaged: it is no such entry.
    """
    return _read(entry, _opened)


def scored(entry: Entry) -> ScoredBody:
    """An entry of the kind "scored".

    Raises:
        Damaged: it is no such entry.
    """
    return _read(entry, _scored)


def _read(entry: Entry, read: Callable[[dict[str, Any]], _Body]) -> _Body:
    try:
        return read(entry.body)
    except (KeyError, TypeError, ValueError, AttributeError, UsageProblem) as error:
        raise damaged(
            f"Entry {entry.number} of the ledger does not say what such an entry says ({type(error).__name__}: {error}).",
            "vault-ledger-line",
        ) from error


def _sealed(body: dict[str, Any]) -> SealedBody:
    data = _mapping(body["data"])
    return SealedBody(
        vault=str(body["vault"]),
        recipient=str(body["recipient"]),
        keepers=tuple(map(str, body["keepers"])),
        custodian=bool(body["custodian"]),
        digest=Digest(int(body["digest"]["size"]), tuple(map(str, body["digest"]["blocks"]))),
        examples=Sizes(int(data["examples"]["training"]), int(data["examples"]["test"])),
        classes=tuple(map(str, data["classes"])),
        looked=str(data["looked"]),
        policy=Policy(**body["policy"]),
    )


def _opened(body: dict[str, Any]) -> OpenedBody:
    plan = _mapping(body["plan"])
    baseline = {str(name): float(value) for name, value in _mapping(plan["baseline"]).items()}
    metrics = tuple(map(str, plan["metrics"]))
    return OpenedBody(int(body["look"]), _mapping(body["model"]), metrics, baseline, str(body["reason"]))


def _scored(body: dict[str, Any]) -> ScoredBody:
    answers = {name: _mapping(each) for name, each in _mapping(body["answers"]).items()}
    numbers = int(body["opening"]), int(body["look"]), int(body["examples"])
    return ScoredBody(*numbers, str(body["predictions"]), answers, _mapping(body["state"]))


def _mapping(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"{given!r} where several values by name belong")
    return cast("dict[str, Any]", given)
