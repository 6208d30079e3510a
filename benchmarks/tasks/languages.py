"""In which of seven languages is the name of an emoji (the package `emoji`)? A network over the letters' n-grams.

The names of one emoji stand on one side of every split, whatever their language.
"""

import json
import zlib
from pathlib import Path
from typing import Any

import emoji.unicode_codes
import torch
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task

LANGUAGES = ("de", "es", "fr", "id", "it", "pt", "tr")
EACH = 500
BUCKETS = 1 << 15
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
    """Numbers of the n-grams in a text's words, one to four letters, a blank at both ends of a word; each once; 0 fills up."""
    words = [f" {word} " for word in text.split()]
    found = dict.fromkeys(word[at : at + n] for word in words for n in (1, 2, 3, 4) for at in range(len(word) - n + 1))
    numbers = list(dict.fromkeys(1 + zlib.crc32(gram.encode()) % (BUCKETS - 1) for gram in found))[:LONGEST]
    return numbers + [0] * (LONGEST - len(numbers))


class Letters(nn.Module):
    """A bag of n-grams, of length 1 as a vector however many they are; in training some are left out. Without hidden units it is a
    linear model."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.grams = nn.EmbeddingBag(BUCKETS, hidden or len(LANGUAGES), mode="sum", padding_idx=0)
        nn.init.normal_(self.grams.weight, std=0.1 if hidden else 0.01)
        self.out = nn.Sequential(nn.ReLU(), nn.Linear(hidden, len(LANGUAGES))) if hidden else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        there = self.dropout((x > 0).float())
        return self.out(self.grams(x, per_sample_weights=nn.functional.normalize(there, dim=1)))


def accuracy(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (output.argmax(dim=1) == y).float().mean()


texts, languages, emojis = names()
data = TensorDataset(torch.tensor([ngrams(text) for text in texts]), torch.tensor(languages))


def described(hidden: int = 0, dropout: float = 0.3, rate: float = 0.03, decay: float = 0.01) -> Task:
    return Task(
        lambda: Letters(hidden, dropout),
        nn.CrossEntropyLoss(),
        data,
        optimizer=lambda model: torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay),
        metric=accuracy,
        groups=emojis,
    )


def space(trial: Any) -> Task:
    hidden = trial.suggest_categorical("hidden", [0, 16])
    dropout = trial.suggest_float("dropout", 0.0, 0.6)
    rate = trial.suggest_float("rate", 3e-3, 0.3, log=True)
    return described(hidden, dropout, rate, trial.suggest_float("decay", 1e-3, 0.3, log=True))


task = described()
