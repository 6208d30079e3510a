"""What the author calls a part of the data: training, validation or test, by the words of a name."""

from __future__ import annotations

import re
from itertools import pairwise

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PARTS = {
    **dict.fromkeys(
        ("test", "tst", "testing", "testset", "holdout", "heldout", "testloader", "xtest", "ytest"), "test"
    ),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "devset", "valset", "valloader"), "val"),
    **dict.fromkeys(("train", "trn", "training", "trainset", "trainloader"), "train"),
}


def part_named(*names: str) -> str:
    """ "train", "val" or "test" where all names together say exactly one of them, else ""."""
    found = parts_named(*names)
    return found.pop() if len(found) == 1 else ""


def parts_named(*names: str) -> set[str]:
    """All of "train", "val" and "test" that names say."""
    words = [word.lower() for name in names for word in _WORD.findall(name)]
    found = {_PARTS[word] for word in words if word in _PARTS}
    if any(pair == ("held", "out") for pair in pairwise(words)):
        found.add("test")
    return found
