"""Sealed parts, opened: each file is read from memory alone, nothing is written to disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from seatrial.errors import UsageProblem
from seatrial.vault.sources.source import Content, Form, Part

# Where the reader of each kind is: imported only when it is needed.
_READERS = {
    "csv": "csv",
    "parquet": "parquet",
    "npz": "npz",
    "safetensors": "safetensors",
    "folder": "folder",
    "dataset": "dataset",
}


def read(form: Form, name: str, content: Content) -> Part:
    """The examples of one file of a sealed part.

    Raises:
        UsageProblem: the kind is one that this version does not know.
    """
    if form.kind not in _READERS:
        message = f"Expected sealed data of the kinds {', '.join(_READERS)}, found {form.kind!r}."
        raise UsageProblem(message, "unknown-kind", "Open it with the version that sealed it, or a newer one.")
    reader: Callable[[Form, str, Content], Part] = import_module(f"seatrial.vault.sources.{_READERS[form.kind]}").read
    return reader(form, name, content)


def joined(parts: Sequence[Part], form: Form) -> Part:
    """The parts of one sealed data set as one, in order; arrays without axes belong to all of them.

    Raises:
        ValueError: there are no parts.
    """
    if not parts:
        raise ValueError("no parts")
    first = parts[0].inputs
    constants = form.settings.get("constants", ())
    inputs: Any
    if form.kind in ("folder", "dataset"):
        inputs = [example for part in parts for example in part.inputs]
    else:
        inputs = {
            name: first[name] if name in constants else np.concatenate([part.inputs[name] for part in parts])
            for name in first
        }
    answers = [part.targets for part in parts if part.targets is not None]
    return Part(inputs, np.concatenate(answers) if answers else None, sum(part.examples for part in parts))
