"""The records of a CSV file: their fields as Python's `csv` reads them, and their bytes as they stand in the file."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from seatrial.vault.sources.checks import refused

_DELIMITERS = ",;\t|"
_HEAD = 1 << 20
_CHUNK = 1 << 20
# A record longer than this is a quote that was never closed, or no table.
_LONGEST_RECORD = 256 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Records:
    """Some records in a row: their fields, their bytes, and whether each is one line."""

    rows: list[list[str]]
    raw: list[bytes]
    plain: bool


def delimiter_of(path: Path) -> str:
    """The delimiter that stands in the header most often, outside of quotes.

    Raises:
        UsageProblem: the file is empty, or no text.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD).removeprefix(_BOM)
    if not head.strip():
        raise refused(
            f"{path} to hold a header and records", "nothing in it", "empty-data", "Give a table with examples."
        )
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
        found = "bytes of UTF-16 or of no text at all"
        raise refused(f"{path} to be text", found, "not-a-table", "Save the table as CSV in UTF-8.")
    text = head.decode("utf-8", "surrogateescape").lstrip("\r\n")

    def fields(delimiter: str) -> tuple[bool, int]:
        with _any_length():
            names = next(csv.reader(StringIO(text, newline=""), delimiter=delimiter))
        # A quote within a name comes of a delimiter that is none.
        return len(names) > 1 and not any('"' in name for name in names), len(names)

    return max(_DELIMITERS, key=fields)


def header_of(file: BinaryIO, delimiter: str) -> tuple[list[str], bytes]:
    """The names of the columns, and the bytes up to the first record.

    Raises:
        UsageProblem: the first record holds no names.
    """
    with _lines(file) as (mark, lines), _any_length():
        names = next((row for row in csv.reader(lines, delimiter=delimiter) if row), [])
        raw = mark + lines.taken()
    hint = "Put a first line with a name of its own for each column."
    number = _number_among(names)
    if number is not None:
        raise refused("the names of the columns in the first line", f"the number {number}", "no-header", hint)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refused("the names of the columns in the first line", f"{twice!r} twice", "no-header", hint)
    return names, raw


def records_of(file: BinaryIO, delimiter: str, width: int) -> Iterator[Records]:
    """The records after the header, about 1 MB at a time.

    Raises:
        UsageProblem: a record has other than `width` fields or cannot be read, with its line.
    """
    with _lines(file) as (_, lines):
        reader = csv.reader(lines, delimiter=delimiter)
        with _any_length():
            while not next(reader):
                pass
        lines.taken()
        while True:
            with _any_length():
                records = _some(reader, lines, width, delimiter)
            if not records.rows:
                break
            yield records
        _check_closed(lines, delimiter)


def _some(reader: Any, lines: _Lines, width: int, delimiter: str) -> Records:
    """About 1 MB of records: at once where each is a line, else one at a time, which is slower by far."""
    some = lines.ahead()
    if not any('"' in line for line in some):
        rows = list(csv.reader(some, delimiter=delimiter))
        if all(len(row) == width for row in rows):
            return Records(rows, lines.all_ahead(), True)
    return _one_at_a_time(reader, lines, width, delimiter)


def _one_at_a_time(reader: Any, lines: _Lines, width: int, delimiter: str) -> Records:
    rows: list[list[str]] = []
    raw: list[bytes] = []
    plain = True
    try:
        for row in reader:
            plain = plain and lines.waiting == 1
            record = lines.taken()
            if row:
                if len(row) != width:
                    _check_closed(lines, delimiter)
                    raise _ragged(width, len(row), lines.start)
                rows.append(row)
                raw.append(record)
                if not lines.is_ahead:
                    break
    except csv.Error as error:
        raise _unreadable(lines.number - lines.waiting + 1, str(error)) from error
    return Records(rows, raw, plain)


class _Lines:
    """The lines of a text, counted, and the bytes of those that were read since they were last asked for."""

    def __init__(self, file: TextIOWrapper) -> None:
        self._file = file
        self._ahead: deque[str] = deque()
        self._waiting: list[str] = []
        self._size = 0
        self.number = 0
        self.start = 1
        self.last = b""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._file)
        self._waiting.append(line)
        self._size += len(line)
        self.number += 1
        if self._size > _LONGEST_RECORD:
            raise csv.Error("a quote is opened and not closed")
        return line

    @property
    def is_ahead(self) -> bool:
        """Whether lines were looked at that are still to come."""
        return bool(self._ahead)

    def ahead(self) -> list[str]:
        """About 1 MB of lines that are still to come."""
        if not self._ahead:
            self._ahead.extend(self._file.readlines(_CHUNK))
        return list(self._ahead)

    def all_ahead(self) -> list[bytes]:
        """The bytes of all those lines, each by itself; they are read then."""
        self.number += len(self._ahead)
        self.start = self.number
        raw = [line.encode("utf-8", "surrogateescape") for line in self._ahead]
        self.last = raw[-1] if raw else self.last
        self._ahead.clear()
        return raw

    @property
    def waiting(self) -> int:
        """How many lines were read since they were last asked for."""
        return len(self._waiting)

    def taken(self) -> bytes:
        """Their bytes; `start` is then the number of the first of them."""
        self.start = self.number - len(self._waiting) + 1
        self.last = "".join(self._waiting).encode("utf-8", "surrogateescape")
        self._waiting.clear()
        self._size = 0
        return self.last


@contextmanager
def _lines(file: BinaryIO) -> Generator[tuple[bytes, _Lines]]:
    """The byte order mark, if there is one, and the lines after it. The file stays open."""
    mark = file.read(len(_BOM))
    if mark != _BOM:
        file.seek(0)
        mark = b""
    text = TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    try:
        yield mark, _Lines(text)
    finally:
        text.detach()


def _check_closed(lines: _Lines, delimiter: str) -> None:
    """At the end of the file Python's reader takes an open quote for closed, unless it is strict."""
    last = StringIO(lines.last.decode("utf-8", "surrogateescape"), newline="")
    try:
        with _any_length():
            list(csv.reader(last, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise _unreadable(lines.start, "a quote is opened and not closed") from error


def _number_among(names: list[str]) -> str | None:
    """A number that is no name of a column. Whole numbers in even steps may be names: 0, 1, 2 or years."""
    numbers: list[tuple[float, str]] = []
    for name in names:
        try:
            if any(sign.isdigit() for sign in name):
                numbers.append((float(name), name))
        except ValueError:
            continue
    steps = {after[0] - before[0] for before, after in pairwise(numbers)}
    if len(steps) > 1 or not all(0 < step <= 10 for step in steps):
        return numbers[0][1]
    return next((name for number, name in numbers if number % 1), None)


def _ragged(expected: int, found: int, line: int) -> Exception:
    return refused(
        f"{expected} fields in each record, as the header has",
        f"{found} in line {line}",
        "ragged-csv",
        "Mend that line, or put fields that hold the delimiter in quotes.",
    )


def _unreadable(line: int, why: str) -> Exception:
    return refused(
        "records of a CSV table", f"one in line {line} that cannot be read: {why}", "bad-csv", "Mend or remove it."
    )


@contextmanager
def _any_length() -> Generator[None]:
    """Fields may be longer than the limit that Python's reader has for the whole process, which is put back."""
    before = csv.field_size_limit(_LONGEST_RECORD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
