"""QR codes as pictures; each is computed once for page, mail and paper."""

from __future__ import annotations

import io
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


def qr_png(text: str) -> bytes:
    """Return a QR as a PNG with a quiet zone."""
    out = io.BytesIO()
    qr_picture(text, scale=_PNG_SCALE, quiet=_QUIET_MODULES).convert("1").save(out, "PNG")
    return out.getvalue()


def qr_picture(text: str, *, scale: int, quiet: int = 0) -> Image.Image:
    """Return a QR in black and white; drawing it module by module takes ten times as long.

    Args:
        text: What it says.
        scale: Pixels of a module.
        quiet: Light modules around it.
    """
    rows = [bytes(row) for row in qr_code(text).matrix]
    modules = b"".join(rows).translate(_INKS.ljust(256))
    picture = Image.frombytes("L", (len(rows), len(rows)), modules)
    return ImageOps.scale(
        ImageOps.expand(picture, quiet, fill=255), scale, Image.Resampling.NEAREST
    )
