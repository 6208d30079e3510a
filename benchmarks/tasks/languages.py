"""In which of seven languages is the name of an emoji (the package `emoji`)? A network over the letters' n-grams.

The names of one emoji stand on one side of every split, whatever their language.
"""

import json
import zlib
from pathlib import Path

import emoji.unicode_codes
import torch
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task

LANGUAGES = ("de", "es", "fr", "id", "it", "pt", "tr")
EACH = 500
BUCKETS = 1 << 14
LONGEST = 160


def names() -> tuple[list[str], list[int], list[int]]:
    """Texts, their languages and their emojis. Those that are the same in several languages are left out."""
    folder = Path(emoji.unicode_codes.__path__[0])
    tables = [json.loads((folder / f"emoji_{code}.json").read_text()) for code in LANGUAGES]
    texts, languages, emojis = [], [], []
    for number, key in enumerate(sorted(tables[0])):
        words = [table[key].strip(":").replace("_", " ") for table in tables]
        if len(key) == 1 and len(set(words)) == len(words):  # a sign of its own, no skin colour or flag
            texts += words
            languages += range(len(LANGUAGES))
            emojis += [number] * len(LANGUAGES)
    most = EACH * len(LANGUAGES)
    return texts[:most], languages[:most], emojis[:most]


def ngrams(text: str) -> list[int]:
    """Numbers of a text's n-grams, one to four letters; 0 fills up."""
    padded = f" {text} "
    found = [padded[at : at + n] for n in (1, 2, 3, 4) for at in range(len(padded) - n + 1)]
    numbers = [1 + zlib.crc32(gram.encode()) % (BUCKETS - 1) for gram in found[:LONGEST]]
    return numbers + [0] * (LONGEST - len(numbers))


class Letters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.grams = nn.EmbeddingBag(BUCKETS, 64, mode="mean", padding_idx=0)
        self.out = nn.Sequential(nn.Dropout(0.3), nn.Linear(64, len(LANGUAGES)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.grams(x))


def accuracy(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (output.argmax(dim=1) == y).float().mean()


texts, languages, emojis = names()
task = Task(
    Letters,
    nn.CrossEntropyLoss(),
    TensorDataset(torch.tensor([ngrams(text) for text in texts]), torch.tensor(languages)),
    optimizer=lambda model: torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.01),
    metric=accuracy,
    groups=emojis,
)
