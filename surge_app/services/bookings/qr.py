"""QR codes as pictures; each is computed once for page, mail and paper."""

from __future__ import annotations

import re
import struct
import zlib
from functools import lru_cache
from urllib.parse import quote

import zxingcpp
from PIL import Image, ImageOps

_PNG_SCALE, _SVG_SCALE = 5, 4
_QUIET_MODULES, _QUIET_ON_PAGES = 4, 2
_DARK = re.compile(rb"\0+")


@lru_cache(maxsize=512)
def qr_modules(text: str) -> list[bytes]:
    """Return the rows of a QR code, a byte for each module: 0 is dark, 255 is light."""
    return _modules(text)


def _modules(text: str) -> list[bytes]:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")  # pyright: ignore[reportUnknownMemberType]
    # Its types leave out that a picture is a buffer.
    picture = memoryview(code.to_image(add_quiet_zones=False))  # pyright: ignore[reportArgumentType]
    side = len(picture)
    pixels = bytes(picture)
    return [pixels[start : start + side] for start in range(0, side * side, side)]


def qr_svg(text: str) -> str:
    """Return a QR as an inline SVG that scales with its box."""
    return _svg(qr_modules(text))


def qr_uri(text: str) -> str:
    """Return a QR as the address of a picture; a secret in it is not remembered."""
    rows = _modules(text)
    width = (len(rows) + 2 * _QUIET_ON_PAGES) * _SVG_SCALE
    picture = _svg(rows, f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{width}" ')
    return f"data:image/svg+xml,{quote(picture)}"


def _svg(rows: list[bytes], attributes: str = "") -> str:
    side = len(rows) + 2 * _QUIET_ON_PAGES
    runs = "".join(
        f"M{run.start() + _QUIET_ON_PAGES} {y}.5h{len(run[0])}"
        for y, row in enumerate(rows, start=_QUIET_ON_PAGES)
        for run in _DARK.finditer(row)
    )
    return (
        f'<svg {attributes}viewBox="0 0 {side} {side}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path stroke="#1a1720" d="{runs}"/></svg>'
    )


def qr_png(text: str) -> bytes:
    """Return a QR as a PNG with a quiet zone; an imaging library takes several times as long."""
    matrix = qr_modules(text)
    modules = len(matrix) + 2 * _QUIET_MODULES
    light = "1" * (_QUIET_MODULES * _PNG_SCALE)
    blank = _png_row("1" * (modules * _PNG_SCALE))
    rows = [_png_row(f"{light}{_stretched(row)}{light}") for row in matrix]
    framed = [*[blank] * _QUIET_MODULES, *rows, *[blank] * _QUIET_MODULES]
    pixels = b"".join(row * _PNG_SCALE for row in framed)
    side = modules * _PNG_SCALE
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(name, data) for name, data in chunks)


def _stretched(row: bytes) -> str:
    """Return the bits of a row of modules, each as wide as in the picture."""
    wide = row.replace(b"\xff", b"1" * _PNG_SCALE).replace(b"\0", b"0" * _PNG_SCALE)
    return wide.decode("ascii")


def _png_row(bits: str) -> bytes:
    """Return a row of pixels of one bit each, unfiltered."""
    padding = -len(bits) % 8
    return b"\0" + (int(bits, 2) << padding).to_bytes((len(bits) + padding) // 8, "big")


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def qr_picture(text: str, *, scale: int) -> Image.Image:
    """Return a QR in black and white; drawing it module by module takes ten times as long.

    Args:
        scale: Pixels of a module.
    """
    rows = qr_modules(text)
    picture = Image.frombytes("L", (len(rows), len(rows)), b"".join(rows))
    return ImageOps.scale(picture, scale, Image.Resampling.NEAREST)
