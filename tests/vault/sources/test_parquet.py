"""Parquet: both parts, read by pyarrow, are the original, with its schema, metadata and compression."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seatrial.errors import UsageProblem
from seatrial.vault.sources import parquet, source_of
from seatrial.vault.sources.parquet import ParquetSource

N = 4000
RNG = np.random.default_rng(0)
CHOSEN = RNG.random(N) < 0.3
NUMBERS = np.arange(N)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    table = pa.table(
        {
            "real": RNG.normal(size=N),
            "whole": pa.array(NUMBERS, mask=NUMBERS % 7 == 0),
            "half": pa.array(NUMBERS.astype(np.float16), mask=NUMBERS % 3 == 0),
            "text": [None if number % 5 == 0 else f"text {number}" for number in range(N)],
            "kind": pa.array([f"kind {number % 5}" for number in range(N)]).dictionary_encode(),
            "list": [[1, 2], None] * (N // 2),
            "struct": [{"a": 1, "b": "x"}] * N,
            "yes": pa.array([True, None] * (N // 2)),
            "when": pa.array(NUMBERS.astype("M8[us]")),
            "label": RNG.integers(0, 2, N),
        }
    ).replace_schema_metadata({"made": "here"})
    codecs = {"real": "zstd", "whole": "gzip", "struct.a": "snappy"}
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1500, compression=codecs)
    return tmp_path / "a.parquet"


def test_both_parts_are_the_original(tmp_path: Path, path: Path, opened: Any) -> None:
    source, original = source_of(path), pq.read_table(path)
    assert (len(source), source.form.target, source.suffix) == (N, "label", ".parquet")
    source.write(~CHOSEN, tmp_path / "training.parquet")
    with pq.ParquetFile(tmp_path / "training.parquet") as training, pq.ParquetFile(path) as before:
        assert training.read().equals(original.filter(pa.array(~CHOSEN)))
        assert training.schema_arrow.equals(before.schema_arrow, check_metadata=True)
        assert training.metadata.num_row_groups == before.metadata.num_row_groups

        def codecs(file: Any) -> list[str]:
            group = file.metadata.row_group(0)
            return [group.column(at).compression for at in range(group.num_columns)]

        assert codecs(training) == codecs(before)
        assert set(codecs(before)) == {"ZSTD", "GZIP", "SNAPPY", "UNCOMPRESSED"}
    with patch.object(parquet, "SHARD_BYTES", 40_000), patch.object(parquet, "_MOST_ROWS", 100):
        source = source_of(path)
        files = [bytes(content) for _, content in source.shards(CHOSEN)]
        assert files == [bytes(content) for _, content in source.shards(CHOSEN)]
        part = opened(source, CHOSEN)
    assert len(files) > 1
    sealed = original.filter(pa.array(CHOSEN))
    assert pa.concat_tables([pq.read_table(pa.BufferReader(file)) for file in files]).equals(sealed)
    assert part.targets.tolist() == sealed["label"].to_pylist()
    assert part.examples == CHOSEN.sum()
    np.testing.assert_array_equal(part.inputs["real"], sealed["real"].to_numpy())
    assert part.inputs["text"].tolist() == sealed["text"].to_pylist()
    assert part.inputs["kind"].tolist() == sealed["kind"].to_pylist()
    np.testing.assert_array_equal(np.isnan(part.inputs["whole"]), NUMBERS[CHOSEN] % 7 == 0)


def test_rows_are_the_same_in_whichever_batch_they_stand(tmp_path: Path) -> None:
    whole = pa.array([1, None, 3, 1, None, 0])
    pq.write_table(
        pa.table({"a": whole, "s": ["x", None, "z", "x", None, None], "y": [1, 1, 1, 0, 0, 0]}), tmp_path / "a.parquet"
    )
    with patch.object(parquet, "_MOST_ROWS", 1):
        blocks = list(ParquetSource(tmp_path / "a.parquet").blocks())
    assert len(blocks) == 6
    (together,) = ParquetSource(tmp_path / "a.parquet").blocks()
    digests = np.concatenate([block.digests for block in blocks])
    assert digests.tolist() == together.digests.tolist()
    assert digests[0] == digests[3]
    assert digests[1] == digests[4] != digests[5]
    np.testing.assert_array_equal(together.numbers, [[1], [np.nan], [3], [1], [np.nan], [0]])


def test_columns(path: Path) -> None:
    source = ParquetSource(path)
    assert source.column("kind").tolist() == [f"kind {number % 5}" for number in range(N)]
    np.testing.assert_array_equal(source.column("when"), NUMBERS.astype("M8[us]"))
    with pytest.raises(UsageProblem, match=r"list<.*in the column list.*no-column"):
        source.column("list")
    with pytest.raises(UsageProblem, match=r"a name among real, whole.*found 'z'.*no-such-column"):
        source.column("z")
    with pytest.raises(UsageProblem, match="no-such-column"):
        ParquetSource(path, "z")


def test_tables_that_cannot_be_read_are_refused(tmp_path: Path, path: Path) -> None:
    content = path.read_bytes()
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageProblem, match="damaged-data"):
        source_of(cut)
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "empty.parquet")
    with pytest.raises(UsageProblem, match="empty-data"):
        source_of(tmp_path / "empty.parquet")


def test_without_pyarrow_the_package_is_named(path: Path) -> None:
    def none(name: str) -> Any:
        raise ImportError(name)

    with patch.object(parquet, "import_module", none), pytest.raises(UsageProblem, match="pip install pyarrow"):
        source_of(path)
