"""Sealing: data are split, looked through for overlap, and their test part is encrypted; all of it at once or not at all."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import seatrial
from seatrial.errors import UsageProblem
from seatrial.files import replace
from seatrial.splitting import Column, one_hot_classes, split
from seatrial.vault import heads, ledger
from seatrial.vault.archive import pack
from seatrial.vault.bodies import FORMAT
from seatrial.vault.encryption import encrypt
from seatrial.vault.entries import new_entry
from seatrial.vault.identities import Card, own
from seatrial.vault.overlap.finding import find
from seatrial.vault.overlap.moving import mended
from seatrial.vault.overlap.pairs import Overlap
from seatrial.vault.overlap.words import notice, refusal
from seatrial.vault.policy import Policy
from seatrial.vault.refusal import disk_errors
from seatrial.vault.sources import source_of
from seatrial.vault.sources.source import Content, Mask, Source
from seatrial.vault.staging import staged

DUPLICATES = ("refuse", "move", "keep")
CONTENTS = "vault.json"
# Names of columns that number the examples; left out of the comparison where all of their values differ.
_ID = re.compile(r"|.*[-_ ]id|id|.*Id|idx|index|key|row|number|uuid|guid|unnamed: 0", re.IGNORECASE)
# So many different targets are written down as classes at most.
_MOST_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """How data are divided.

    share       of the examples that are sealed, or their number.
    stratify    each class has its share on both sides. The class is the target, or the column that is named.
    groups      a column, or its values, one an example: examples with the same value stay on one side.
    time        likewise: the latest examples are sealed.
    seed        the same seed divides the same way.
    duplicates  examples that stand, nearly or exactly, on both sides: "refuse", "move" them to the training part, or "keep" them.
    ignore      columns that say which example it is, not what it is (an id): duplicates are looked for without them, and without the
                columns of groups and time.
    """

    share: float | int = 0.2
    stratify: bool | str = False
    groups: Column | str | None = None
    time: Column | str | None = None
    seed: int = 0
    duplicates: str = "refuse"
    ignore: tuple[str, ...] = ()

    @property
    def written(self) -> dict[str, Any]:
        """As it stands in the ledger: of values that were given only that they were."""
        settings = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: "given" if isinstance(value, np.ndarray) else value for name, value in settings.items()}

    def __post_init__(self) -> None:
        if self.duplicates not in DUPLICATES:
            expected = ", ".join(DUPLICATES)
            raise UsageProblem(
                f"Expected one of {expected} for duplicates, found {self.duplicates!r}.",
                "vault-duplicates",
                "Choose what becomes of examples that stand on both sides.",
            )


@dataclass(frozen=True, slots=True)
class Divided:
    """A source, which of its examples are test data, the names of its classes (none if there are too many), and what of the overlap was
    found and left."""

    source: Source
    test: Mask
    classes: tuple[str, ...]
    overlap: Overlap
    notes: tuple[str, ...] = field(default=())


def divide(data: Any, target: str | None, choice: Choice) -> Divided:
    """Split data and look for what stands on both sides.

    Raises:
        UsageProblem: the data cannot be read or split so, or the parts overlap and that is refused.
    """
    source = source_of(data, target)
    groups = _column(source, choice.groups, "groups")
    answers = (
        None if source.form.target is None else source.column(source.form.target)
    )  # once: it may be a pass over a large file
    test = split(
        len(source),
        choice.share,
        seed=choice.seed,
        stratify=_strata(source, choice.stratify, answers),
        groups=groups,
        time=_column(source, choice.time, "time"),
    )
    source.left_out = _left_out(source, choice)
    classes = _names(answers)
    later = choice.time is not None
    overlap = find(source.blocks, test, groups, later=later)
    if not overlap.found:
        return Divided(source, test, classes, overlap)
    examples = int(test.sum())
    if choice.duplicates == "refuse":
        raise refusal(overlap, examples)
    if choice.duplicates == "move":
        test, overlap = mended(source.blocks, test, overlap, groups, later=later)
        note = f"{examples - int(test.sum())} test examples were moved to the training part: they, or nearly they, stand there too."
        return Divided(source, test, classes, overlap, (note,))
    return Divided(source, test, classes, overlap, (notice(overlap, examples),))


def seal(
    divided: Divided, choice: Choice, to: Path, training: Path | None, custodian: Card | None, policy: Policy
) -> None:
    """Write the sealed file, its ledger and, if a place is given, the training part.

    Raises:
        UsageProblem: a place is taken, the disk is full, the identity is not as it should be.
    """
    identity = own(make=True)
    places = {"vault": to, "ledger": ledger.ledger_of(to)}
    if training is not None:
        places["training"] = training
    with disk_errors("Sealing", to), staged(to, places) as writing:
        if training is not None:
            divided.source.write(~divided.test, writing["training"])
        card = custodian or identity.card
        name = uuid.uuid4().hex
        digest = encrypt(pack(_contents(divided, name)), writing["vault"], card.recipient)
        body = {
            "format": FORMAT,
            "vault": name,
            "seatrial": seatrial.__version__,
            "recipient": card.recipient,
            "keepers": sorted({identity.card.key, card.key}),
            "custodian": card.key != identity.card.key,
            "digest": asdict(digest),
            "data": _described(divided),
            "split": choice.written,
            "notes": list(divided.notes),
            "policy": asdict(policy),
        }
        first = new_entry("sealed", body, None, identity)
        replace(writing["ledger"], first.line + b"\n")
        heads.vacate(to)
        heads.remember(name, to, (first,))  # before all is there: afterwards nothing may fail


def _contents(divided: Divided, name: str) -> Iterator[tuple[str, Content]]:
    """The files of the sealed part, before them one that says how they are read."""
    about = {"vault": name, "form": asdict(divided.source.form), "examples": int(divided.test.sum())}
    yield CONTENTS, json.dumps(about).encode()
    yield from divided.source.shards(divided.test)


def _described(divided: Divided) -> dict[str, Any]:
    """What may be known of the data while they are sealed."""
    source, test = divided.source, int(divided.test.sum())
    return {
        "kind": source.form.kind,
        "target": source.form.target,
        "classes": list(divided.classes),
        "examples": {"training": len(source) - test, "test": test},
        "looked": divided.overlap.looked,
    }


def _left_out(source: Source, choice: Choice) -> frozenset[str]:
    for name in choice.ignore:
        source.column(name)  # it says which there are
    ids = {name for name in source.form.fields if _ID.fullmatch(name) and _differs_everywhere(source, name)}
    return frozenset({*choice.ignore, *(name for name in (choice.groups, choice.time) if isinstance(name, str)), *ids})


def _column(source: Source, given: Column | str | None, name: str) -> Column | None:
    """A column of the data, or the values that were given for it."""
    if given is None or not isinstance(given, str):
        if given is not None and given.shape != (len(source),):
            expected = f"one value of {name} for each of {len(source)} examples"
            hint = "Give them in the order of the examples."
            raise UsageProblem(f"Expected {expected}, found an array of shape {given.shape}.", "vault-column", hint)
        return given
    return source.column(given)


def _differs_everywhere(source: Source, name: str) -> bool:
    try:
        return len(np.unique(source.column(name))) == len(source)
    except (UsageProblem, TypeError):  # no column of single values that can be compared
        return False


def _names(answers: NDArray[Any] | None) -> tuple[str, ...]:
    classes = () if answers is None else np.unique(answers)
    return tuple(map(str, classes)) if len(classes) <= _MOST_CLASSES else ()


def _strata(source: Source, stratify: bool | str, answers: NDArray[Any] | None) -> NDArray[Any] | None:
    """The column whose values are to have their share on both sides, if any."""
    if not stratify:
        return None
    if isinstance(stratify, str):
        return source.column(stratify)
    if answers is None:
        raise UsageProblem(
            "Expected to know what the classes are, found no target.",
            "vault-no-target",
            "Name it: --target COLUMN, or --stratify-by COLUMN.",
        )
    if (classes := one_hot_classes(answers)) is not None:
        return classes
    return answers.reshape(-1) if answers.shape == (len(source), 1) else answers
