"""What the author calls a part of the data: training, validation or test, by the words of a name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PARTS = {
    **dict.fromkeys(
        ("test", "tst", "testing", "testset", "holdout", "heldout", "testloader", "xtest", "ytest"), "test"
    ),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "devset", "valset", "valloader"), "val"),
    **dict.fromkeys(("train", "trn", "training", "trainset", "trainloader"), "train"),
}

_SHORT = {"te": "test", "va": "val", "tr": "train"}
_SHORT_WORD = re.compile(r"([xy]?)(te|va|tr)")


class Vocabulary:
    """The names of one program. `X_te` says test where there is an `X_tr` beside it, and so on: alone, two letters may
    mean anything."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._known = {_words(name) for text in texts for name in set(re.findall(r"[A-Za-z_]\w*", text))}

    def part(self, *names: str) -> str:
        """ "train", "val" or "test" where all names together say exactly one of them, else ""."""
        found = self.parts(*names)
        return found.pop() if len(found) == 1 else ""

    def parts(self, *names: str) -> set[str]:
        """All of "train", "val" and "test" that names say."""
        return parts_named(*names).union(*(self._abbreviated(name) for name in names))

    def _abbreviated(self, name: str) -> set[str]:
        return {part for found in re.findall(r"[A-Za-z_]\w*", name) for part in self._short_parts(_words(found))}

    def _short_parts(self, words: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        for at, word in enumerate(words):
            match = _SHORT_WORD.fullmatch(word)
            if match is None or (len(words) == 1 and not match[1]):
                continue
            others = ["te", "va"] if match[2] == "tr" else ["tr"]
            if any((*words[:at], match[1] + other, *words[at + 1 :]) in self._known for other in others):
                found.add(_SHORT[match[2]])
        return found


def part_named(*names: str) -> str:
    """ "train", "val" or "test" where all names together say exactly one of them, else ""."""
    found = parts_named(*names)
    return found.pop() if len(found) == 1 else ""


def parts_named(*names: str) -> set[str]:
    """All of "train", "val" and "test" that names say."""
    words = [word for name in names for word in _words(name)]
    found = {_PARTS[word] for word in words if word in _PARTS}
    if any(pair == ("held", "out") for pair in pairwise(words)):
        found.add("test")
    return found


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(name))
