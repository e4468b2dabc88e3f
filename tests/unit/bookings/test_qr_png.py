"""The PNG of a code is what an imaging library draws of it."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageOps

from surge_app.services.bookings.qr import qr_code, qr_picture, qr_png


@pytest.mark.parametrize("text", ["x", "SURGE1." + "A7" * 20, "a-signed.text_" * 12])
def test_the_png_shows_the_code_with_a_quiet_zone_of_four_modules(text: str) -> None:
    picture = Image.open(io.BytesIO(qr_png(text)))
    picture.verify()
    shown = Image.open(io.BytesIO(qr_png(text))).convert("L")
    modules = len(qr_code(text).matrix)
    scale = shown.width // (modules + 8)
    drawn = ImageOps.expand(qr_picture(text, scale=scale), 4 * scale, fill=255)
    assert shown.size == drawn.size
    assert shown.tobytes() == drawn.tobytes()
