"""QR codes as pictures; each is computed once for page, mail and paper."""

from __future__ import annotations

import io
from functools import lru_cache

import segno

_PNG_SCALE = 5
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
    qr_code(text).save(out, kind="png", scale=_PNG_SCALE, border=4)
    return out.getvalue()
