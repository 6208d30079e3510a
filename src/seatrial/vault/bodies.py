"""What the entries of a ledger say, as typed values. What is not of its form is damage, though somebody has signed it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar, cast, get_args

from seatrial.errors import UsageProblem
from seatrial.vault.digests import BLOCK_BYTES, Digest
from seatrial.vault.entries import Entry
from seatrial.vault.policy import Policy
from seatrial.vault.pricing.answer import Answer, Mechanism, read_answer
from seatrial.vault.refusal import damaged

FORMAT = 1
_MOST = 1 << 53  # no count is larger
_Body = TypeVar("_Body")
_Value = TypeVar("_Value")


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
    answers: dict[str, Answer]
    state: dict[str, Any]


def sealed(entry: Entry) -> SealedBody:
    """The first entry of a ledger.

    Raises:
        Damaged: it is no such entry.
        UsageProblem: a newer seatrial wrote it.
    """
    written = entry.body.get("format")
    if type(written) is int and written > FORMAT:
        raise UsageProblem(
            f"Expected a ledger in format {FORMAT}, found format {written}: a newer seatrial sealed this vault.",
            "vault-newer",
            "Install a newer seatrial: pip install --upgrade seatrial",
        )
    if entry.kind != "sealed" or type(written) is not int or written != FORMAT:
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
    except (KeyError, TypeError, ValueError, UsageProblem) as error:
        raise damaged(
            f"Entry {entry.number} of the ledger does not say what such an entry says ({type(error).__name__}: {error}).",
            "vault-ledger-line",
        ) from error


def _sealed(body: dict[str, Any]) -> SealedBody:
    data, digest, policy = (_mapping(body[name]) for name in ("data", "digest", "policy"))
    examples = _mapping(data["examples"])
    size, blocks = _count(digest["size"]), _texts(digest["blocks"])
    if len(blocks) != -(-size // BLOCK_BYTES):
        raise ValueError(f"{len(blocks)} digests of {size:,} bytes")
    return SealedBody(
        vault=_text(body["vault"]),
        recipient=_text(body["recipient"]),
        keepers=_texts(body["keepers"]),
        custodian=_is(bool, body["custodian"]),
        digest=Digest(size, blocks),
        examples=Sizes(_count(examples["training"]), _count(examples["test"])),
        classes=_texts(data["classes"]),
        looked=_text(data["looked"]),
        policy=Policy(_text(policy["rule"]), _count(policy["looks"]), _count(policy["budget"])),
    )


def _opened(body: dict[str, Any]) -> OpenedBody:
    plan = _mapping(body["plan"])
    model = {name: _text(value) for name, value in _mapping(body["model"]).items()}
    baseline = {name: _number(value) for name, value in _mapping(plan["baseline"]).items()}
    metrics = _texts(plan["metrics"])
    if model.keys() != {"hash", "of"} or not metrics:
        raise ValueError("no model" if metrics else "no metric")
    return OpenedBody(_count(body["look"]), model, metrics, baseline, _text(body["reason"]))


def _scored(body: dict[str, Any]) -> ScoredBody:
    answers = {name: _answer(_mapping(each)) for name, each in _mapping(body["answers"]).items()}
    if not answers:
        raise ValueError("no answers")
    numbers = _count(body["opening"]), _count(body["look"]), _count(body["examples"])
    return ScoredBody(*numbers, _text(body["predictions"]), answers, _mapping(body["state"]))


def _answer(values: dict[str, Any]) -> Answer:
    if values.keys() != {each.name for each in fields(Answer)}:
        raise ValueError(f"{', '.join(sorted(values))[:80]} instead of an answer")
    for name in ("interval", "worst"):
        if values[name] is not None:
            _mapping(values[name])
    answer = read_answer(values)
    intervals = [each for each in (answer.interval, answer.worst) if each is not None]
    for number in (part for each in intervals for part in (each.low, each.high, each.level)):
        _number(number)
    if answer.value is not None:
        _number(answer.value)
    for text in (answer.sentence, *(each.method for each in intervals)):
        _text(text)
    if _text(answer.mechanism) not in get_args(Mechanism):
        raise ValueError(f"the mechanism {answer.mechanism[:40]!r}")
    _is(bool, answer.improved)
    _count(answer.looks)
    if answer.left is not None:
        _count(answer.left)
    return answer


def _is(kind: type[_Value], given: Any) -> _Value:
    if type(given) is not kind:
        raise ValueError(f"{str(given)[:40]!r} where a {kind.__name__} belongs")
    return given


def _text(given: Any) -> str:
    return _is(str, given)


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(map(_text, cast("list[Any]", _is(list, given))))


def _count(given: Any) -> int:
    if not 0 <= _is(int, given) < _MOST:
        raise ValueError(f"{str(given)[:40]} where a count belongs")
    return given


def _number(given: Any) -> float:
    """JSON may write a number as a whole one that no float holds."""
    if type(given) not in (int, float) or abs(given) > sys.float_info.max:
        raise ValueError(f"{str(given)[:40]!r} where a number belongs")
    return float(given)


def _mapping(given: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", _is(dict, given))
