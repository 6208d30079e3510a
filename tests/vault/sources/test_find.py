"""What something is, is told by what stands in it; other formats are refused with what to do."""

from __future__ import annotations

import gzip
import io
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
import torch

from seatrial.errors import UsageProblem
from seatrial.vault.sources import Form, joined, read, source_of


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return file.getvalue()


def saved(write: Any, *args: Any) -> bytes:
    file = io.BytesIO()
    write(*args, file)
    return file.getvalue()


@pytest.mark.parametrize("suffix", ["", ".csv", ".data"])
def test_formats_are_told_by_their_content(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"data{suffix}"
    np.savez(tmp_path / "a.npz", x=np.zeros(2))
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    kinds = {
        "csv": b"a,b\n1,2\n",
        "npz": (tmp_path / "a.npz").read_bytes(),
        "parquet": (tmp_path / "a.parquet").read_bytes(),
        "safetensors": safetensors.numpy.save({"x": np.zeros(2)}),
    }
    for kind, content in kinds.items():
        path.write_bytes(content)
        source = source_of(str(path))
        assert source.form.kind == kind
        assert source_of(source) is source
    path.unlink()
    (path / "class").mkdir(parents=True)
    (path / "class" / "x").write_bytes(b"")
    assert source_of(path).form.kind == "folder"
    assert source_of([(1, 2)]).form.kind == "dataset"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (saved(torch.save, {"x": torch.zeros(2)}), "what torch.save wrote"),
        (pickle.dumps({"x": 1}), "a Python pickle"),
        (saved(lambda array, file: np.save(file, array), np.zeros(3)), "numpy.savez"),
        (gzip.compress(b"a,b\n", mtime=0), "gzip"),
        (zipped("a.csv"), "a zip file"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "Save the table as CSV"),
        (b'{"a": 1}\n{"a": 2}\n', "JSON"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"age-encryption.org/v1\n-> X25519", "sealed already"),
        (b"\x89PNG\r\n\x1a\n", "a single picture"),
    ],
)
def test_other_formats_are_refused_with_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    with pytest.raises(UsageProblem) as refusal:
        source_of(tmp_path / "data.csv")
    assert refusal.value.slug == "unknown-format"
    assert refusal.value.message.startswith("Expected a CSV table, Parquet, .npz, .safetensors, a folder")
    assert said in str(refusal.value)
    assert refusal.value.hint


def test_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"no file or folder .*nothing\.csv.*no-such-data"):
        source_of(tmp_path / "nothing.csv")
    with pytest.raises(UsageProblem, match="no-file"):
        source_of("/dev/null")


def test_kinds_of_newer_versions_are_refused() -> None:
    with pytest.raises(UsageProblem, match=r"found 'holograms'.*unknown-kind"):
        read(Form("holograms", None, ()), "0", b"")
    with pytest.raises(ValueError, match="no parts"):
        joined([], Form("csv", None, ()))


def test_the_import_is_light() -> None:
    heavy = "('torch', 'pyarrow', 'PIL', 'safetensors', 'sklearn')"
    code = f"import sys, seatrial.vault.sources; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
