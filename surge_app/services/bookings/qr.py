"""QR codes as pictures; each is computed once for page, mail and paper."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

import segno
from PIL import Image, ImageOps

_PNG_SCALE = 5
_QUIET_MODULES = 4
_INKS = bytes((255, 0))  # a light module and a dark one
# Signed texts look random, so no mask is worse than another on the whole; to weigh all eight
# against each other takes three quarters of the time.
_MASK = 3


@lru_cache(maxsize=512)
def qr_code(text: str) -> segno.QRCode:
    """Return the QR code of a text."""
    return segno.make_qr(text, error="m", mask=_MASK)


def qr_svg(text: str) -> str:
    """Return a QR as an inline SVG that scales with its box."""
    return qr_code(text).svg_inline(
        scale=4, border=2, dark="#1A1720", light="#FFFFFF", omitsize=True
    )


def qr_uri(text: str) -> str:
    """Return a QR as the address of a picture; a secret in it is not remembered."""
    code = segno.make_qr(text, error="m", mask=_MASK)
    return code.svg_data_uri(scale=4, border=2, dark="#1A1720", light="#FFFFFF")


def qr_png(text: str) -> bytes:
    """Return a QR as a PNG with a quiet zone; an imaging library takes several times as long."""
    matrix = qr_code(text).matrix
    modules = len(matrix) + 2 * _QUIET_MODULES
    light = "1" * (_QUIET_MODULES * _PNG_SCALE)
    shades = ("1" * _PNG_SCALE, "0" * _PNG_SCALE)
    blank = _png_row("1" * (modules * _PNG_SCALE))
    rows = [_png_row(light + "".join(shades[dark] for dark in row) + light) for row in matrix]
    framed = [*[blank] * _QUIET_MODULES, *rows, *[blank] * _QUIET_MODULES]
    pixels = b"".join(row * _PNG_SCALE for row in framed)
    side = modules * _PNG_SCALE
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(name, data) for name, data in chunks)


def _png_row(bits: str) -> bytes:
    """Return a row of pixels of one bit each, unfiltered."""
    padding = -len(bits) % 8
    return b"\0" + (int(bits, 2) << padding).to_bytes((len(bits) + padding) // 8, "big")


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def qr_picture(text: str, *, scale: int) -> Image.Image:
    """Return a QR in black and white; drawing it module by module takes ten times as long.

    Args:
        text: What it says.
        scale: Pixels of a module.
    """
    rows = [bytes(row) for row in qr_code(text).matrix]
    modules = b"".join(rows).translate(_INKS.ljust(256))
    picture = Image.frombytes("L", (len(rows), len(rows)), modules)
    return ImageOps.scale(picture, scale, Image.Resampling.NEAREST)
