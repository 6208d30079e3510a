"""Files of tensors as safetensors: a header in JSON and the tensors' bytes, read and written without one in memory."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.sources.arrays import ArraysSource, Numbers, Readers, part, pieces
from seatrial.vault.sources.checks import refused
from seatrial.vault.sources.rows import ContiguousRows, Layout, gather, viewed
from seatrial.vault.sources.source import Content, Form, Part

KIND = "safetensors"
# As the format's own library has it.
_LONGEST_HEADER = 100_000_000
_METADATA = "__metadata__"
_NUMPY = dict(
    zip(
        ("BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "F32", "F64", "C64"),
        ("?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8", "<c8"),
        strict=True,
    )
)
# Types that NumPy has not: torch turns them to float32, which holds all their values.
_TORCH = {"BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"}
_TORCH_BYTES = {"BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1}


class SafetensorsSource(ArraysSource):
    """Tensors as safetensors writes them, of any type that NumPy or torch has; their bytes and the metadata are kept.

    Raises:
        UsageProblem: it is damaged, a tensor's type is unknown, or what `ArraysSource` refuses.
    """

    def __init__(self, path: Path, target: str | None = None) -> None:
        self._path = path
        with open(path, "rb") as file:
            self._entries, self._metadata, self._data = _header(file)
            size = file.seek(0, 2)
        # The order in the file is kept.
        self._entries.sort(key=lambda entry: entry[1])
        layouts = [layout for layout, _ in self._entries]
        at = 0
        for layout, start in self._entries:
            if start != at:
                raise _damaged(f"the bytes of {layout.name} do not begin where those before them end")
            at += layout.row_bytes * (layout.shape[0] if layout.shape else 1)
        if self._data + at != size:
            raise _damaged(f"{size} bytes instead of {self._data + at}")
        super().__init__(path, KIND, layouts, target)

    @contextmanager
    def _readers(self) -> Generator[Readers]:
        with open(self._path, "rb", buffering=0) as file:
            yield {layout.name: ContiguousRows(file, self._data + start) for layout, start in self._entries}

    def _values(self, layout: Layout, rows: NDArray[np.uint8]) -> NDArray[Any]:
        return _decoded(layout.dtype, (len(rows), *layout.shape[1:]), viewed(rows))

    def _packed(self, numbers: NDArray[np.int64], readers: Readers) -> Content:
        header = self._header(len(numbers))
        sizes = [layout.row_bytes * (len(numbers) if layout.shape else 1) for layout, _ in self._entries]
        buffer = np.empty(len(header) + sum(sizes), np.uint8)
        buffer[: len(header)] = np.frombuffer(header, np.uint8)
        at = len(header)
        for (layout, _), size in zip(self._entries, sizes, strict=True):
            rows = buffer[at : at + size]
            reader = readers[layout.name]
            if layout.shape:
                gather(reader, numbers, rows.reshape(len(numbers), layout.row_bytes))
            else:
                reader.read(0, rows.reshape(1, -1))
            at += size
        return viewed(buffer)

    def _stream(self, file: IO[bytes], rows: int, numbers: Numbers, readers: Readers) -> None:
        file.write(self._header(rows))
        for layout, _ in self._entries:
            if layout.shape:
                for piece in pieces(layout, numbers, readers):
                    file.write(piece)
            else:
                value = np.empty((1, layout.row_bytes), np.uint8)
                readers[layout.name].read(0, value)
                file.write(value.tobytes())

    def _header(self, rows: int) -> bytes:
        header: dict[str, Any] = {_METADATA: self._metadata} if self._metadata else {}
        at = 0
        for layout, _ in self._entries:
            shape = [rows, *layout.shape[1:]] if layout.shape else []
            end = at + layout.row_bytes * (rows if layout.shape else 1)
            header[layout.name] = {"dtype": layout.dtype, "shape": shape, "data_offsets": [at, end]}
            at = end
        text = json.dumps(header, separators=(",", ":")).encode()
        # The data begins at a multiple of 8, as the format's own library has it.
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text


def read(form: Form, name: str, content: Content) -> Part:
    """The tensors of one file of a sealed part, in memory; types that NumPy has not are turned to float32."""
    entries, _, data = _header(BytesIO(content))
    view = memoryview(content)
    arrays: dict[str, NDArray[Any]] = {}
    for layout, start in entries:
        end = start + layout.row_bytes * (layout.shape[0] if layout.shape else 1)
        arrays[layout.name] = _decoded(layout.dtype, layout.shape, view[data + start : data + end])
    return part(form, arrays)


def _header(file: IO[bytes]) -> tuple[list[tuple[Layout, int]], dict[str, str], int]:
    """The tensors and where each begins in the data, the metadata, and where the data begins in the file."""
    length = int.from_bytes(file.read(8), "little")
    if length > _LONGEST_HEADER:
        raise _damaged("the header is too long")
    try:
        header: dict[str, Any] = json.loads(file.read(length))
        metadata: dict[str, str] = header.pop(_METADATA, {})
        entries = [_entry(name, **entry) for name, entry in header.items()]
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged("its header cannot be read") from error
    return entries, metadata, 8 + length


def _entry(name: str, dtype: str, shape: list[int], data_offsets: list[int]) -> tuple[Layout, int]:
    if dtype not in _NUMPY and dtype not in _TORCH:
        raise refused(
            f"tensors of the types {', '.join((*_NUMPY, *_TORCH))}",
            f"{dtype} in {name}",
            "unknown-type",
            "Convert that tensor.",
        )
    item = np.dtype(_NUMPY[dtype]).itemsize if dtype in _NUMPY else _TORCH_BYTES[dtype]
    start, end = data_offsets
    if end - start != item * prod(shape):
        raise ValueError(name)
    return Layout(name, dtype, tuple(shape), item * prod(shape[1:])), start


def _decoded(dtype: str, shape: tuple[int, ...], raw: memoryview) -> NDArray[Any]:
    if dtype in _NUMPY:
        return np.frombuffer(raw, _NUMPY[dtype]).reshape(shape)
    import torch

    codes = torch.from_numpy(np.frombuffer(raw, np.uint8).copy())
    return codes.view(getattr(torch, _TORCH[dtype])).float().numpy().reshape(shape)


def _damaged(found: str) -> Exception:
    return refused("a safetensors file", f"that it is damaged: {found}", "damaged-data", "Save it again.")
