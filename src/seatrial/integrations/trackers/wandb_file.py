"""What a run of Weights & Biases left on disk: the records of its `run-<id>.wandb`, in LevelDB's log format."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HEAD = 7  # bytes before the first record: ":W&B", a number, a version
_BLOCK = 32 * 1024  # no piece of a record crosses the border of such a block
_PIECE = struct.Struct("<IHB")  # checksum, length, kind of a piece
_FULL, _LAST = 1, 4  # kinds that end a record


@dataclass(frozen=True, slots=True)
class Kept:
    """A run as its file tells of it. `steps`: rows of its history so far."""

    project: str
    entity: str
    id: str
    steps: int


def kept(folder: Path) -> Kept | None:
    """The run in a folder of wandb's; None where its file is missing or is not understood."""
    found: Kept | None = None
    steps = 0
    try:
        (file,) = folder.glob("run-*.wandb")
        for record in records(file):
            if record.WhichOneof("record_type") == "run" and found is None:
                found = Kept(record.run.project, record.run.entity, record.run.run_id, 0)
            elif record.WhichOneof("record_type") == "history":
                steps = max(steps, record.history.step.num + 1)
    except (OSError, ValueError, struct.error):
        return None
    return Kept(found.project, found.entity, found.id, steps) if found else None


def records(file: Path) -> Iterator[Any]:
    """The records (protobuf, as wandb defines them) of a file, as far as it was written.

    Raises:
        ValueError: it is no such file.
    """
    from google.protobuf.message import DecodeError
    from wandb.proto import wandb_internal_pb2

    made: Any = wandb_internal_pb2.Record  # pyright: ignore[reportAttributeAccessIssue]  # protobuf makes its names as it is imported
    data = file.read_bytes()
    if not data.startswith(b":W&B"):
        raise ValueError(f"no file of wandb: {file}")
    for whole in _whole(data):
        record = made()
        try:
            record.ParseFromString(whole)
        except DecodeError as error:
            raise ValueError(str(error)) from error
        yield record


def _whole(data: bytes) -> Iterator[bytes]:
    at, parts = _HEAD, b""
    while at + _PIECE.size <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < _PIECE.size:  # what is left of a block is padding
            at += left
            continue
        _, length, kind = _PIECE.unpack_from(data, at)
        at += _PIECE.size
        if kind == 0 or at + length > len(data):  # not written to its end
            return
        parts += data[at : at + length]
        at += length
        if kind in (_FULL, _LAST):
            yield parts
            parts = b""
