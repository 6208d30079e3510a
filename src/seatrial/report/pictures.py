"""Filters as a PNG: a grid of tiles. Written here, since a library for it would cost more than the report."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence

from seatrial.report.monitoring import FilterPicture

GAP = 1  # pixels between tiles
BETWEEN = 255  # their colour: white


def data_url(picture: FilterPicture) -> str:
    """A picture of filters as it stands in an <img>: three channels are red, green and blue, others stand side by side."""
    return "data:image/png;base64," + base64.b64encode(png(*grid(picture))).decode("ascii")


def grid(picture: FilterPicture) -> tuple[list[bytearray], int]:
    """Rows of bytes and their bytes a pixel (1 or 3)."""
    channels, height, width = picture.shape
    depth = 3 if channels == 3 else 1
    tiles = [_tile(each, picture.shape, depth) for each in picture.tiles]
    if depth == 1 and channels > 1:
        width = channels * width
    across = max(1, math.ceil(math.sqrt(len(tiles) * height / width)))
    blank = bytes([BETWEEN]) * depth
    rows: list[bytearray] = []
    for start in range(0, len(tiles), across):
        line = tiles[start : start + across]
        line += [[blank * width] * height] * (across - len(line))
        rows += [bytearray((blank * GAP).join(tile[y] for tile in line)) for y in range(height)]
        rows += [bytearray(blank * len(rows[0][::depth]))] * GAP if start + across < len(tiles) else []
    return rows, depth


def _tile(values: bytes, shape: tuple[int, int, int], depth: int) -> list[bytes]:
    channels, height, width = shape
    plane = height * width
    rows: list[bytes] = []
    for y in range(height):
        parts = [values[c * plane + y * width : c * plane + (y + 1) * width] for c in range(channels)]
        rows.append(bytes(b for pixel in zip(*parts, strict=True) for b in pixel) if depth == 3 else b"".join(parts))
    return rows


def png(rows: Sequence[bytes | bytearray], depth: int) -> bytes:
    """A PNG of rows of grey (depth 1) or red, green and blue (depth 3) bytes (ISO/IEC 15948)."""
    width, colour = len(rows[0]) // depth, {1: 0, 3: 2}[depth]
    header = struct.pack(">IIBBBBB", width, len(rows), 8, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
