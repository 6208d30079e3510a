"""Which kind of data something is: by what stands in it, not by its name alone."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from seatrial.vault.sources.checks import refused
from seatrial.vault.sources.source import Source

_KNOWN = "a CSV table, Parquet, .npz, .safetensors, a folder with a folder for each class, or a torch Dataset"
# How files begin that hold data in a format that cannot be sealed: what they are, and what to do.
_OTHERS = (
    (b"age-encryption.org/", "an encrypted file (age)", "Give the data itself: this is sealed already."),
    (b"\x93NUMPY", "a single array (.npy)", "Save inputs and targets together: numpy.savez(path, x=..., y=...)."),
    (b"\x80", "a Python pickle, which runs code when it is read", "Save its arrays with numpy.savez or safetensors."),
    (b"\x1f\x8b", "a file compressed with gzip", "Decompress it."),
    (b"BZh", "a file compressed with bzip2", "Decompress it."),
    (b"\xfd7zXZ\0", "a file compressed with xz", "Decompress it."),
    (b"(\xb5/\xfd", "a file compressed with zstd", "Decompress it."),
    (b"\x89HDF", "HDF5", "Save its arrays with numpy.savez or safetensors."),
    (b"SQLite format 3\0", "an SQLite database", "Export the table as CSV or Parquet."),
    (b"ARROW1", "an Arrow file", "Save it as Parquet: pyarrow.parquet.write_table."),
    (b"%PDF", "a PDF", "Give the data itself."),
    (b"\x89PNG", "a single picture", "Give the folder that holds a folder of pictures for each class."),
    (b"\xff\xd8\xff", "a single picture", "Give the folder that holds a folder of pictures for each class."),
)


def source_of(data: Any, target: str | None = None) -> Source:
    """The data as a source: of a path to a file or folder, or a torch `Dataset` with a length.

    Args:
        data: a path, a data set, or a source already (which is given back).
        target: the column, array or key that is the answer; where it is None, one with a usual name, the class of a
            folder's file, the last part of an example.

    Raises:
        UsageProblem: there is no such file, it is in none of the formats, or the format refuses it.
    """
    if isinstance(data, Source):
        return data
    if not isinstance(data, (str, os.PathLike)):
        from seatrial.vault.sources.dataset import DatasetSource

        return DatasetSource(data, target)
    path = Path(data)
    if path.is_dir():
        from seatrial.vault.sources.folder import FolderSource

        return FolderSource(path, target)
    if not path.exists():
        raise refused("data to be sealed", f"no file or folder {path}", "no-such-data", "Check the path.")
    if not path.is_file():
        raise refused("a file or a folder", f"{path}, which is neither", "no-file", "Write the data to a file.")
    return _of_file(path, target)


def _of_file(path: Path, target: str | None) -> Source:
    with path.open("rb") as file:
        head = file.read(64)
        size = file.seek(0, 2)
    if head.startswith(b"PAR1"):
        from seatrial.vault.sources.parquet import ParquetSource

        return ParquetSource(path, target)
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return _of_zip(path, target)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size:
        from seatrial.vault.sources.safetensors import SafetensorsSource

        return SafetensorsSource(path, target)
    for beginning, what, hint in _OTHERS:
        if head.startswith(beginning):
            raise _unknown(f"{path}: {what}", hint)
    if head.lstrip().startswith((b"{", b"[", b"<")):
        raise _unknown(f"{path}: text that is no table (JSON, XML or the like)", "Save it as CSV or Parquet.")
    from seatrial.vault.sources.csv import CsvSource

    return CsvSource(path, target)


def _of_zip(path: Path, target: str | None) -> Source:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise refused("a whole file", f"{path}, damaged ({error})", "damaged-data", "Save it again.") from error
    if all(name.endswith(".npy") for name in names):
        from seatrial.vault.sources.npz import NpzSource

        return NpzSource(path, target)
    if any(name.endswith("data.pkl") for name in names):
        hint = "Save its tensors with safetensors.torch.save_file, or give the Dataset itself to Vault.seal."
        raise _unknown(f"{path}: what torch.save wrote, a pickle, which may run code when it is read", hint)
    if "[Content_Types].xml" in names:
        raise _unknown(f"{path}: a document of an office program", "Save the table as CSV.")
    raise _unknown(f"{path}: a zip file", "Unpack it.")


def _unknown(found: str, hint: str) -> Exception:
    return refused(_KNOWN, found, "unknown-format", hint)
