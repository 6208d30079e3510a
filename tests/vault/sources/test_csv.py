"""CSV tables keep each record's bytes; what is no table is refused with its line."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageProblem
from seatrial.vault.sources import csv as tables
from seatrial.vault.sources import records
from seatrial.vault.sources.csv import CsvSource, read


def write(folder: Path, content: bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content)
    return path


@st.composite
def some_tables(draw: Any) -> tuple[bytes, list[bytes], list[list[str]], list[bool]]:
    """A header, the bytes of the records after it, their fields, and a choice among them."""
    delimiter = draw(st.sampled_from(",;\t|"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    width = draw(st.integers(2, 4))
    fields = st.text(st.sampled_from("ab1.é, ;\t|\"'\n\r\u2028€"), max_size=6)
    rows = draw(st.lists(st.lists(fields, min_size=width, max_size=width), min_size=1, max_size=12))

    def quoted(field: str) -> str:
        needed = any(sign in field for sign in (delimiter, '"', "\n", "\r"))
        return '"' + field.replace('"', '""') + '"' if needed or draw(st.booleans()) else field

    raw = [(delimiter.join(map(quoted, row)) + end).encode() for row in rows]
    if draw(st.booleans()):
        raw[-1] = raw[-1].removesuffix(end.encode())
    header = (
        draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
        + (delimiter.join(["one", '"t,w;o"', "three", "four"][:width]) + end).encode()
    )
    chosen = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    return header, raw, rows, chosen


@given(some_tables(), st.sampled_from([3, 7, 64, 1 << 20]), st.sampled_from([1, 40, 1 << 20]))
def test_each_record_keeps_its_bytes_in_one_part_or_the_other(
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[bytes, list[bytes], list[list[str]], list[bool]],
    chunk: int,
    shard: int,
) -> None:
    header, raw, rows, choice = table
    folder = tmp_path_factory.mktemp("table")
    chosen = np.array(choice)
    with (
        patch.object(tables, "_CHUNK", chunk),
        patch.object(records, "_CHUNK", chunk),
        patch.object(tables, "SHARD_BYTES", shard),
    ):
        source = CsvSource(write(folder, header + b"".join(raw)))
        source.write(~chosen, folder / "training.csv")
        files = [bytes(content) for _, content in source.shards(chosen)]
    assert len(source) == len(rows)
    assert source.form.fields[:2] == ("one", "t,w;o")
    kept = [record for record, mine in zip(raw, choice, strict=True) if not mine]
    assert (folder / "training.csv").read_bytes() == header + b"".join(kept)
    sealed = [record for record, mine in zip(raw, choice, strict=True) if mine]
    assert b"".join(file.removeprefix(header) for file in files) == b"".join(sealed)
    assert all(file.startswith(header) for file in files)
    expected = [row for row, mine in zip(rows, choice, strict=True) if mine]
    delimiter = source.form.settings["delimiter"]
    seen = [
        row
        for file in files
        for row in list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""), delimiter=delimiter))[1:]
    ]
    assert seen == expected


def test_values_are_numbers_where_all_of_a_column_are(tmp_path: Path, opened: Any) -> None:
    big = 2**53 + 1
    content = f"whole,real,name,id,code,y\n1,1.5,a,{big},1_0,0\n-2,,b,{big + 1},2,1\n3,NA,1,{big + 2},3,1\n"
    source = CsvSource(write(tmp_path, content.encode()))
    assert source.form.target == "y"
    np.testing.assert_array_equal(source.column("whole"), [1, -2, 3])
    np.testing.assert_array_equal(source.column("real"), [1.5, np.nan, np.nan])
    assert source.column("name").tolist() == ["a", "b", "1"]
    assert source.column("id").tolist() == [str(big), str(big + 1), str(big + 2)]
    assert source.column("code").tolist() == ["1_0", "2", "3"]
    part = opened(source, np.array([False, False, True]))
    # Kinds are those of the whole table, whatever stands in one file of it.
    assert part.inputs["name"].tolist() == ["1"]
    assert np.isnan(part.inputs["real"]).all()
    assert part.targets.tolist() == [1]
    assert "y" not in part.inputs
    assert part.examples == 1


def test_blocks_see_no_target(tmp_path: Path) -> None:
    source = CsvSource(write(tmp_path, b"a,b,label\n1,x,0\n1,x,1\n1,xx,1\n"))
    (block,) = source.blocks()
    assert block.digests[0] == block.digests[1] != block.digests[2]
    np.testing.assert_array_equal(block.numbers, [[1], [1], [1]])
    assert block.images is None
    (with_it,) = CsvSource(source._file.path, "b").blocks()
    assert with_it.digests[0] != with_it.digests[1] == with_it.digests[2]


def test_other_encodings_and_blank_lines(tmp_path: Path) -> None:
    source = CsvSource(write(tmp_path, b"\nname,n\n\ncaf\xe9,1\n\n\r\nb,2"))
    assert len(source) == 2
    ((_, content),) = source.shards(np.array([True, False]))
    assert bytes(content) == b"\nname,n\ncaf\xe9,1\n"
    source.write(np.array([False, True]), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == b"\nname,n\nb,2"
    assert read(source.form, "", content).inputs["n"].tolist() == [1]


def test_fields_longer_than_the_limit_of_the_process(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    long = "x" * (before + 1)
    source = CsvSource(write(tmp_path, f'a,b\n"{long}",1\ny,2\n'.encode()))
    assert source.column("a").tolist() == [long, "y"]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("content", "slug", "said"),
    [
        (b"", "empty-data", "nothing in it"),
        (b"\n \n", "empty-data", "nothing in it"),
        (b"a,b\n", "empty-data", "a header alone"),
        (b"a,b\n1,2\n1,2,3\n", "ragged-csv", "3 in line 3"),
        (b'a,b\n"x\n\ny",2\n1\n', "ragged-csv", "1 in line 5"),
        (b'a,b\n1,2\n"x,3\n4,5\n', "bad-csv", "line 3"),
        (b"5.1,3.5,setosa\n4.9,3.0,setosa\n", "no-header", "5.1"),
        (b"39,x,77516,y,13\n50,x,83311,y,13\n", "no-header", "39"),
        (b"a,b,a\n1,2,3\n", "no-header", "'a' twice"),
        (b"\xff\xfea\0,\0b\0\n\0", "not-a-table", "UTF-16"),
        (b"a,b\n1,\0\n", "not-a-table", "no text"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, slug: str, said: str) -> None:
    with pytest.raises(UsageProblem) as refusal:
        CsvSource(write(tmp_path, content))
    assert refusal.value.slug == slug
    assert said in refusal.value.message


@pytest.mark.parametrize("header", ["0,1,2", "country,1990,1995,2000", "pixel0,5", "a"])
def test_names_that_are_numbers_in_even_steps_are_names(tmp_path: Path, header: str) -> None:
    source = CsvSource(write(tmp_path, f"{header}\n{header}\n".encode()))
    assert source.form.fields == tuple(header.split(","))


def test_targets_and_columns_that_are_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, b"a,b\n1,2\n")
    assert CsvSource(path).form.target is None
    with pytest.raises(UsageProblem, match=r"a name among a, b, found 'z'.*no-such-column"):
        CsvSource(path, "z")
    with pytest.raises(UsageProblem, match="no-such-column"):
        CsvSource(path).column("z")


def test_a_table_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    source = CsvSource(write(tmp_path, b"a,b\n1,2\n"))
    write(tmp_path, b"a,b\n1,23\n")
    with pytest.raises(UsageProblem, match="data-changed"):
        list(source.shards(np.array([True])))


def test_a_choice_of_another_length_is_an_error(tmp_path: Path) -> None:
    source = CsvSource(write(tmp_path, b"a,b\n1,2\n"))
    with pytest.raises(ValueError, match="1 examples"):
        list(source.shards(np.array([True, False])))


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_table_larger_than_what_may_be_in_memory(tmp_path: Path, quote: str) -> None:
    path = tmp_path / "large.csv"
    line = f"{quote}{'x' * 200}{quote},1.5,7\n".encode()
    with path.open("wb") as file:
        file.write(b"a,b,c\n")
        for _ in range(56):
            file.write(line * 1000)
    size, chosen = path.stat().st_size, np.arange(56_000) % 3 == 0
    assert size > 11 << 20
    with patch.object(tables, "SHARD_BYTES", 1 << 20):
        tracemalloc.start()
        source = CsvSource(path)
        sealed = sum(len(content) for _, content in source.shards(chosen))
        source.write(~chosen, tmp_path / "training.csv")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sealed + (tmp_path / "training.csv").stat().st_size > size
    assert peak < size * 0.8, peak
