"""Tables as CSV: records keep their exact bytes, whatever their quotes, line ends and encoding."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import compress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from seatrial.vault.sources.checks import Unchanging, checked, refused, target_among, unknown
from seatrial.vault.sources.columns import as_array, kind_of
from seatrial.vault.sources.digests import digests, features
from seatrial.vault.sources.records import Records, delimiter_of, header_of, records_of
from seatrial.vault.sources.source import SHARD_BYTES, Block, Content, Form, Mask, Part, Source

KIND = "csv"
_CHUNK = 1 << 20


class CsvSource(Source):
    """A CSV table with a header, in UTF-8 or any encoding that extends ASCII (its other bytes are kept as they are).

    Blank lines are no records and are left out. The table is read once to begin with: its records are counted and
    checked, and of each column it is found whether all values are whole numbers, numbers, or else strings.

    Raises:
        UsageProblem: it is empty, has no header or another number of fields in a record, has a quote that is never
            closed, or has no column `target`.
    """

    def __init__(self, path: Path, target: str | None = None) -> None:
        self._file = Unchanging(path)
        delimiter = delimiter_of(path)
        with open(path, "rb") as file:
            names, self._header = header_of(file, delimiter)
        self.suffix = path.suffix or ".csv"
        self.form = Form(KIND, target_among(names, target, "column"), tuple(names), {"delimiter": delimiter})
        self._count, kinds, self._plain = self._survey()
        self.form.settings["kinds"] = kinds
        if self._count == 0:
            raise refused(f"{path} to hold records", "a header alone", "empty-data", "Give a table with examples.")

    def __len__(self) -> int:
        return self._count

    def column(self, name: str) -> NDArray[Any]:
        names = self.form.fields
        if name not in names:
            raise unknown(name, names, "column")
        at = names.index(name)
        return as_array(
            [row[at] for records in self._records() for row in records.rows], self.form.settings["kinds"][at]
        )

    def blocks(self) -> Iterator[Block]:
        at = [self.form.fields.index(name) for name in self.compared]
        kinds = [self.form.settings["kinds"][each] for each in at]
        # Of many columns all but a few are compared: taking those few out is faster than choosing the others.
        others = sorted(set(range(len(self.form.fields))) - set(at), reverse=True)
        for records in self._records():
            rows = records.rows
            for other in others:
                for row in rows:
                    del row[other]
            named = digests(repr(row).encode() for row in rows)
            numeric = [
                as_array(column, kind)
                for column, kind in zip(zip(*rows, strict=True), kinds, strict=False)
                if kind != "str"
            ]
            yield Block(named, features(numeric))

    def shards(self, chosen: Mask) -> Iterator[tuple[str, Content]]:
        number, size, pieces = 0, len(self._header), [self._header]
        for records in self._chosen(chosen):
            for run in _runs(records, SHARD_BYTES - len(self._header)):
                if size + len(run) > SHARD_BYTES and len(pieces) > 1:
                    yield f"{number:06}.csv", b"".join(pieces)
                    number, size, pieces = number + 1, len(self._header), [self._header]
                pieces.append(run)
                size += len(run)
        if len(pieces) > 1:
            yield f"{number:06}.csv", b"".join(pieces)

    def write(self, chosen: Mask, to: Path) -> None:
        with open(to, "xb") as file:
            file.write(self._header)
            for records in self._chosen(chosen):
                file.write(b"".join(records))

    def _survey(self) -> tuple[int, list[str], bool]:
        """How many records there are, what kinds of values the columns hold, whether each record is one line."""
        count, kinds, plain = 0, ["int"] * len(self.form.fields), True
        for records in self._records():
            count += len(records.rows)
            columns = zip(*records.rows, strict=True)
            kinds = [kind_of(column, kind) for column, kind in zip(columns, kinds, strict=True)]
            plain = plain and records.plain
        return count, kinds, plain

    def _chosen(self, chosen: Mask) -> Iterator[list[bytes]]:
        """The bytes of the chosen records, some at a time."""
        mask, at = checked(chosen, self._count), 0
        for records in self._lines() if self._plain else (records.raw for records in self._records()):
            mine = mask[at : at + len(records)]
            at += len(records)
            yield records if mine.all() else list(compress(records, mine.tolist()))

    def _records(self) -> Iterator[Records]:
        with open(self._file.path, "rb") as file:
            yield from records_of(file, self.form.settings["delimiter"], len(self.form.fields))
        self._file.check()

    def _lines(self) -> Iterator[list[bytes]]:
        """The bytes of all records, some at a time, where each is one line: without looking at their fields."""
        with open(self._file.path, "rb") as file:
            file.seek(len(self._header))
            rest = b""
            while chunk := file.read(_CHUNK):
                lines = (rest + chunk).splitlines(keepends=True)
                # The last may go on in the next chunk, even if only by the second half of its line end.
                rest = lines.pop()
                yield _without_blank(lines)
            yield _without_blank([rest])
        self._file.check()


def read(form: Form, name: str, content: Content) -> Part:
    """The records of one file of a sealed part, in memory."""
    delimiter, kinds = form.settings["delimiter"], form.settings["kinds"]
    rows = [row for records in records_of(BytesIO(content), delimiter, len(form.fields)) for row in records.rows]
    columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
    inputs = {field: as_array(column, kind) for field, column, kind in zip(form.fields, columns, kinds, strict=True)}
    targets = inputs.pop(form.target) if form.target is not None else None
    return Part(inputs, targets, len(rows))


def _runs(records: list[bytes], most: int) -> Iterator[bytes]:
    """The records joined; one at a time where that would be more than `most` bytes."""
    joined = b"".join(records)
    if len(joined) <= most:
        yield joined
    else:
        yield from records


def _without_blank(lines: list[bytes]) -> list[bytes]:
    blank = {b"", b"\n", b"\r", b"\r\n"}
    return lines if blank.isdisjoint(lines) else [line for line in lines if line not in blank]
