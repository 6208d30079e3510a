"""Tables as Parquet: read batch by batch; the schema, its metadata and the columns' compression are kept."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.sources.checks import Unchanging, checked, refused, target_among, unknown
from seatrial.vault.sources.digests import digests, features
from seatrial.vault.sources.source import SHARD_BYTES, Block, Content, Form, Mask, Part, Source

KIND = "parquet"
_BATCH_BYTES = 2 << 20
_MOST_ROWS = 64 << 10
# Of each column so much is read at a time, not the whole row group.
_BUFFER = 128 << 10
# A row group of the training part is held in memory until it is written.
_GROUP_BYTES = 8 << 20


class ParquetSource(Source):
    """A Parquet file.

    Raises:
        UsageProblem: pyarrow is not installed, the file is damaged or empty, or it has no column `target`.
    """

    suffix = ".parquet"

    def __init__(self, path: Path, target: str | None = None) -> None:
        arrow = _arrow()
        self._file = Unchanging(path)
        try:
            with arrow.parquet.ParquetFile(path) as file:
                self._schema: Any = file.schema_arrow
                metadata = file.metadata
                self._count: int = metadata.num_rows
                groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
                self._options = _options(metadata)
        except (arrow.ArrowException, OSError) as error:
            raise _damaged(path, error) from error
        if self._count == 0:
            raise refused(f"{path} to hold rows", "none", "empty-data", "Give a table with examples.")
        row_bytes = sum(group.total_byte_size for group in groups) / self._count
        self._rows = int(min(_MOST_ROWS, max(1, _BATCH_BYTES // max(1, row_bytes))))
        names = tuple(self._schema.names)
        self.form = Form(KIND, target_among(names, target, "column"), names)

    def __len__(self) -> int:
        return self._count

    def column(self, name: str) -> NDArray[Any]:
        if name not in self.form.fields:
            raise unknown(name, self.form.fields, "column")
        import pyarrow as pa

        kind = self._schema.field(name).type
        if pa.types.is_nested(kind):
            raise refused("one value an example", f"{kind} in the column {name}", "no-column", "Name another column.")
        return np.concatenate([_values(batch.column(0)) for batch in self._batches([name])])

    def blocks(self) -> Iterator[Block]:
        for batch in self._batches(list(self.compared)):
            numeric = [_numeric(column) for column in batch.columns if _is_numeric(column.type)]
            others = [column.to_pylist() for column in batch.columns if not _is_numeric(column.type)]
            raw = [
                np.ascontiguousarray(array).view(np.uint8).reshape(batch.num_rows, -1)
                for pair in numeric
                for array in pair
            ]
            rows = np.concatenate([np.empty((batch.num_rows, 0), np.uint8), *raw], axis=1)
            texts = zip(*others, strict=True) if others else [()] * batch.num_rows
            named = digests(row.tobytes() + repr(text).encode() for row, text in zip(rows, texts, strict=True))
            yield Block(named, features([np.where(there, array, np.nan) for array, there in numeric]))

    def shards(self, chosen: Mask) -> Iterator[tuple[str, Content]]:
        import pyarrow as pa

        for number, table in enumerate(self._tables(chosen, SHARD_BYTES // 4, across=True)):
            sink = pa.BufferOutputStream()
            self._write(sink, [table])
            yield f"{number:06}.parquet", memoryview(sink.getvalue())

    def write(self, chosen: Mask, to: Path) -> None:
        with open(to, "xb") as file:
            self._write(file, self._tables(chosen, _GROUP_BYTES, across=False))

    def _write(self, to: Any, tables: Any) -> None:
        import pyarrow.parquet as pq

        with pq.ParquetWriter(to, self._schema, **self._options) as writer:
            for table in tables:
                writer.write_table(table, row_group_size=max(1, table.num_rows))

    def _tables(self, chosen: Mask, most: int, across: bool) -> Iterator[Any]:
        """The chosen rows as tables of about `most` bytes; `across` row groups or ending with each."""
        import pyarrow as pa

        mask, at, size = checked(chosen, self._count), 0, 0
        waiting: list[Any] = []
        for batch in self._batches(None, ends=not across):
            if batch is not None:
                mine = batch.filter(pa.array(mask[at : at + batch.num_rows]))
                at += batch.num_rows
                size += mine.nbytes
                waiting += [mine] if mine.num_rows else []
            if waiting and (batch is None or size >= most):
                yield pa.Table.from_batches(waiting, self._schema)
                waiting, size = [], 0
        if waiting:
            yield pa.Table.from_batches(waiting, self._schema)

    def _batches(self, names: list[str] | None, ends: bool = False) -> Iterator[Any]:
        """All rows, some at a time, of all columns or those named; with `ends` a None after each row group."""
        arrow = _arrow()
        try:
            with arrow.parquet.ParquetFile(self._file.path, pre_buffer=False, buffer_size=_BUFFER) as file:
                for group in range(file.metadata.num_row_groups):
                    yield from file.iter_batches(self._rows, [group], names)
                    if ends:
                        yield None
        except (arrow.ArrowException, OSError) as error:
            raise _damaged(self._file.path, error) from error
        self._file.check()


def read(form: Form, name: str, content: Content) -> Part:
    """The rows of one file of a sealed part, in memory."""
    arrow = _arrow()
    with arrow.parquet.ParquetFile(arrow.BufferReader(content)) as file:
        table = file.read()
    inputs = {field: _values(table.column(field)) for field in form.fields}
    targets = inputs.pop(form.target) if form.target is not None else None
    return Part(inputs, targets, table.num_rows)


def _values(column: Any) -> NDArray[Any]:
    """(n,) numbers, dates or objects; missing numbers are nan."""
    array: NDArray[Any] = column.to_numpy() if hasattr(column, "chunks") else column.to_numpy(zero_copy_only=False)
    return array


def _is_numeric(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def _numeric(column: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """(n,) numbers, 0 where none is, and whether there is one: the same in whichever batch a row stands."""
    there: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    if there.all():
        return column.to_numpy(zero_copy_only=False), there
    return column.fill_null(False if str(column.type) == "bool" else 0).to_numpy(zero_copy_only=False), there


def _options(metadata: Any) -> dict[str, Any]:
    """How the columns are compressed, as the writer wants it."""
    if metadata.num_row_groups == 0:
        return {}
    group = metadata.row_group(0)
    columns = [group.column(at) for at in range(group.num_columns)]
    codecs = {column.path_in_schema: column.compression.lower().replace("uncompressed", "none") for column in columns}
    return {"compression": codecs}


def _arrow() -> Any:
    """The module pyarrow, with its submodule parquet.

    Raises:
        UsageProblem: it is not installed.
    """
    try:
        import_module("pyarrow.parquet")
    except ImportError as error:
        found = "that it is not installed"
        raise refused("the package pyarrow, which reads Parquet", found, "no-pyarrow", "pip install pyarrow") from error
    return import_module("pyarrow")


def _damaged(path: Path, error: BaseException) -> Exception:
    return refused(f"{path} to be Parquet", f"that it is damaged ({error})", "damaged-data", "Save it again.")
