"""NumPy's .npz: a zip file of .npy files, read and written without an array in memory."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.vault.sources.arrays import ArraysSource, Numbers, Readers, part, pieces
from seatrial.vault.sources.checks import refused
from seatrial.vault.sources.rows import ContiguousRows, Layout, Rows, TransposedRows, batched, gather, viewed
from seatrial.vault.sources.source import Content, Form, Part

KIND = "npz"
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_UTF8 = 0x800
# A checksum is taken of so many bytes at a time, while they are still in the processor's cache.
_IN_CACHE = 512 << 10
_FIRST_DAY = 33  # 1980-01-01, the earliest that the format knows: the same data gives the same bytes.


class NpzSource(ArraysSource):
    """Arrays as `numpy.savez` and `numpy.savez_compressed` write them.

    Raises:
        UsageProblem: it is damaged, an array holds Python objects, is compressed in Fortran order, or what
            `ArraysSource` refuses.
    """

    def __init__(self, path: Path, target: str | None = None) -> None:
        self._path = path
        self._dtypes: dict[str, np.dtype[Any]] = {}
        self._fortran: set[str] = set()
        self._constants: dict[str, bytes] = {}
        with _damage(path), zipfile.ZipFile(path) as archive:
            self._members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            layouts = [self._layout(archive, info) for info in self._members]
        self._layouts = layouts
        self._compressed = any(info.compress_type != zipfile.ZIP_STORED for info in self._members)
        super().__init__(path, KIND, layouts, target)

    def _layout(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Layout:
        name = info.filename.removesuffix(".npy")
        with archive.open(info) as file:
            shape, fortran, dtype = _header(file)
            if dtype.hasobject:
                hint = "Save it as numbers or as strings (array.astype(str))."
                raise refused("arrays of numbers or strings", f"Python objects in {name}", "objects-in-array", hint)
            if fortran and len(shape) > 1:
                self._fortran.add(name)
                if info.compress_type != zipfile.ZIP_STORED:
                    found = f"the compressed array {name} with its columns one after the other"
                    hint = "Save it again through numpy.ascontiguousarray, or not compressed."
                    raise refused("rows that can be read one after the other", found, "fortran-order", hint)
            if not shape:
                self._constants[name] = file.read()
        self._dtypes[name] = dtype
        return Layout(name, dtype.str, shape, dtype.itemsize * prod(shape[1:]))

    @contextmanager
    def _readers(self) -> Generator[Readers]:
        with ExitStack() as stack:
            stack.enter_context(_damage(self._path))
            archive = stack.enter_context(zipfile.ZipFile(self._path))
            yield {
                layout.name: self._rows(archive, info, layout, stack)
                for layout, info in zip(self._layouts, self._members, strict=True)
                if layout.shape
            }

    def _rows(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, layout: Layout, stack: ExitStack) -> Rows:
        member = stack.enter_context(archive.open(info))
        _header(member)
        if info.compress_type != zipfile.ZIP_STORED:
            return ContiguousRows(member, member.tell())
        file = stack.enter_context(self._path.open("rb", buffering=0))
        file.seek(info.header_offset)
        local = _LOCAL.unpack(file.read(_LOCAL.size))
        start = info.header_offset + _LOCAL.size + local[-2] + local[-1] + member.tell()
        if layout.name in self._fortran:
            return TransposedRows(file, start, layout.shape, self._dtypes[layout.name])
        return ContiguousRows(file, start)

    def _values(self, layout: Layout, rows: NDArray[np.uint8]) -> NDArray[Any]:
        return rows.reshape(-1).view(self._dtypes[layout.name]).reshape(len(rows), *layout.shape[1:])

    def _packed(self, numbers: NDArray[np.int64], readers: Readers) -> Content:
        if self._compressed:
            file = BytesIO()
            self._stream(file, len(numbers), lambda most: batched(numbers, most), readers)
            return file.getbuffer()
        headers = [self._npy_header(layout, len(numbers)) for layout in self._layouts]
        sizes = [len(numbers) * one.row_bytes if one.shape else len(self._constants[one.name]) for one in self._layouts]
        lengths = [len(header) + size for header, size in zip(headers, sizes, strict=True)]
        archive = _StoredZip([info.filename for info in self._members], lengths)
        for layout, header in zip(self._layouts, headers, strict=True):
            archive.begin()
            archive.add(header)
            if not layout.shape:
                archive.add(self._constants[layout.name])
                continue
            for some in batched(numbers, max(1, _IN_CACHE // max(1, layout.row_bytes))):
                with archive.place(len(some) * layout.row_bytes) as place:
                    gather(readers[layout.name], some, place.reshape(len(some), layout.row_bytes))
        return archive.finished()

    def _stream(self, file: IO[bytes], rows: int, numbers: Numbers, readers: Readers) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for layout, source in zip(self._layouts, self._members, strict=True):
                info = zipfile.ZipInfo(source.filename)
                info.compress_type = source.compress_type
                with archive.open(info, "w", force_zip64=True) as member:
                    member.write(self._npy_header(layout, rows))
                    if layout.shape:
                        for piece in pieces(layout, numbers, readers):
                            member.write(piece)
                    else:
                        member.write(self._constants[layout.name])

    def _npy_header(self, layout: Layout, rows: int) -> bytes:
        file = BytesIO()
        shape = (rows, *layout.shape[1:]) if layout.shape else ()
        written = {"descr": npy.dtype_to_descr(self._dtypes[layout.name]), "fortran_order": False, "shape": shape}
        try:
            npy.write_array_header_1_0(file, written)
        except ValueError:
            npy.write_array_header_2_0(file, written)
        return file.getvalue()


def read(form: Form, name: str, content: Content) -> Part:
    """The arrays of one file of a sealed part, in memory."""
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        return part(form, {field: arrays[field] for field in form.fields})


class _StoredZip:
    """A zip file of members that are not compressed, laid out before it is filled: nothing is copied twice."""

    def __init__(self, names: list[str], lengths: list[int]) -> None:
        self._names = [name.encode() for name in names]
        self._lengths = lengths
        self._directory = sum(_LOCAL.size + len(name) for name in self._names) + sum(lengths)
        end = self._directory + sum(_CENTRAL.size + len(name) for name in self._names)
        self._buffer = np.empty(end + _END.size, np.uint8)
        self._at = 0
        self._checks: list[int] = []

    def begin(self) -> None:
        """The next member follows."""
        self._at += _LOCAL.size + len(self._names[len(self._checks)])
        self._checks.append(0)

    @contextmanager
    def place(self, size: int) -> Generator[NDArray[np.uint8]]:
        """The next bytes of the member, to be filled."""
        place = self._buffer[self._at : self._at + size]
        yield place
        self._checks[-1] = zlib.crc32(viewed(place), self._checks[-1])
        self._at += size

    def add(self, data: bytes) -> None:
        """The next bytes of the member."""
        with self.place(len(data)) as place:
            place[:] = np.frombuffer(data, np.uint8)

    def finished(self) -> memoryview:
        """The file, once all members are filled."""
        to, start, central = viewed(self._buffer), 0, self._directory
        for name, length, check in zip(self._names, self._lengths, self._checks, strict=True):
            common = (20, _UTF8, 0, 0, _FIRST_DAY, check, length, length, len(name), 0)
            _LOCAL.pack_into(to, start, b"PK\3\4", *common)
            _CENTRAL.pack_into(to, central, b"PK\1\2", 20, *common, 0, 0, 0, 0, start)
            for after in (start + _LOCAL.size, central + _CENTRAL.size):
                to[after : after + len(name)] = name
            start += _LOCAL.size + len(name) + length
            central += _CENTRAL.size + len(name)
        members = len(self._names)
        _END.pack_into(to, central, b"PK\5\6", 0, 0, members, members, central - self._directory, self._directory, 0)
        return to


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(file)
    return npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)


@contextmanager
def _damage(path: Path) -> Generator[None]:
    """Within it a damaged file is refused."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error) as error:
        if isinstance(error, UsageProblem):
            raise
        raise refused(
            f"{path} to be arrays of NumPy", f"that it is damaged ({error})", "damaged-data", "Save it again."
        ) from error
