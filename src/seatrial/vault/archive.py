"""Files as one stream and back: the tar format, so that what was sealed can be unpacked with the usual tools."""

from __future__ import annotations

import tarfile
from collections.abc import Generator, Iterator
from typing import BinaryIO, cast

from seatrial.vault.refusal import damaged
from seatrial.vault.sources.source import Content
from seatrial.vault.streams import Pieces

_READ_BYTES = 1 << 20


def pack(files: Iterator[tuple[str, Content]]) -> Iterator[Content]:
    """The stream of some files (name, content). The same files give the same bytes."""
    for name, content in files:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        member.mode = 0o600
        yield member.tobuf(tarfile.PAX_FORMAT)
        yield content
        yield bytes(-len(content) % tarfile.BLOCKSIZE)
        del content  # before the next is made: one of them in memory, not two
    yield bytes(2 * tarfile.BLOCKSIZE)


def unpack(stream: Iterator[bytes]) -> Generator[tuple[str, bytes]]:
    """The files of a stream, one at a time, in memory alone.

    Raises:
        Damaged: the stream is no archive.
    """
    try:
        with tarfile.open(fileobj=cast("BinaryIO", Pieces(stream)), mode="r|", bufsize=_READ_BYTES) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is not None:
                    yield member.name, content.read()
    except tarfile.TarError as error:
        raise damaged(f"What was sealed is not what seatrial seals: {error}.", "vault-content") from error
