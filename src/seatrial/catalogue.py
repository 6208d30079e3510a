"""The catalogue of findings: every name that a rule may give, what it states and the practice that it enforces."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from seatrial.errors import UsageProblem

SHORTEST_PART = 4  # letters of a name that tell which is meant


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding of the catalogue.

    statement  what is true of the program when the finding is right.
    practice   the practice of training networks that it enforces; empty where there is none.
    """

    name: str
    statement: str
    practice: str


@cache
def entries() -> dict[str, Entry]:
    """All entries by name, in the order of the catalogue."""
    text = Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8")
    return {
        f"{group}.{name}": Entry(f"{group}.{name}", fields["statement"], fields.get("practice", ""))
        for group, names in tomllib.loads(text).items()
        for name, fields in names.items()
    }


def entry(name: str) -> Entry:
    """The entry of a finding's name.

    Raises:
        UsageProblem: no finding has that name; the hint offers the nearest ones.
    """
    known = entries()
    if name not in known:
        raise UsageProblem(f"No finding is called {name!r}.", "no-such-finding", suggestion(name))
    return known[name]


def suggestion(name: str) -> str:
    """What a person who wrote `name` may have meant, as a sentence."""
    near = nearest(name, entries())
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return "`seatrial rules` lists the names."


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """At most three of the known words that a mistyped one may stand for, the nearest first.

    A name of a finding is also compared without its group, and by a part of it: people remember "dead-units" and forget
    "model.", or remember "softmax".
    """
    names = list(known)
    wanted = word.strip().lower()
    short = [
        name for name in names if "." in name and name.split(".", 1)[1] == wanted.split(".", 1)[-1].replace("_", "-")
    ]
    part = [name for name in names if len(wanted) >= SHORTEST_PART and wanted in name]
    return short[:3] or part[:3] or difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
