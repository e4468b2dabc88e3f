"""Pictures of codes are read by a reader of codes, and say what was put into them."""

from __future__ import annotations

import io
import re
from urllib.parse import unquote

import pytest
import zxingcpp
from PIL import Image, ImageOps

from surge_app.services.bookings.qr import qr_modules, qr_picture, qr_png, qr_svg, qr_uri

_TEXTS = [
    "x",
    "SURGE1." + "A7" * 20,
    "a-signed.text_" * 12,
    "https://tickets.example/queue/gala?c=" + "f" * 64,
]
_QUIET = 2
_RUN = re.compile(r"M(\d+) (\d+)\.5h(\d+)")


@pytest.mark.parametrize("text", _TEXTS)
def test_a_picture_of_a_mail_and_of_a_paper_ticket_says_its_text(text: str) -> None:
    on_paper = ImageOps.expand(qr_picture(text, scale=4), 16, fill=255)
    assert [_read(Image.open(io.BytesIO(qr_png(text)))), _read(on_paper)] == [text, text]


@pytest.mark.parametrize("text", _TEXTS)
def test_a_picture_of_a_page_says_its_text(text: str) -> None:
    assert _read(_drawn(qr_svg(text))) == text
    kind, _, picture = qr_uri(text).partition(",")
    assert kind == "data:image/svg+xml"
    assert _read(_drawn(unquote(picture))) == text


@pytest.mark.parametrize("text", _TEXTS)
def test_the_png_shows_the_code_with_a_quiet_zone_of_four_modules(text: str) -> None:
    picture = Image.open(io.BytesIO(qr_png(text)))
    picture.verify()
    shown = Image.open(io.BytesIO(qr_png(text))).convert("L")
    modules = len(qr_modules(text))
    scale = shown.width // (modules + 8)
    drawn = ImageOps.expand(qr_picture(text, scale=scale), 4 * scale, fill=255)
    assert shown.size == drawn.size
    assert shown.tobytes() == drawn.tobytes()


def _drawn(svg: str) -> Image.Image:
    """Return what a browser paints: a stroke of one module for each run of dark ones."""
    box = re.search(r'viewBox="0 0 (\d+) \1"', svg)
    assert box
    picture = Image.new("L", (int(box[1]), int(box[1])), 255)
    for x, y, length in _RUN.findall(svg):
        picture.paste(0, (int(x), int(y), int(x) + int(length), int(y) + 1))
    bright = picture.getbbox()
    dark = ImageOps.invert(picture).getbbox()
    assert bright
    assert dark == (_QUIET, _QUIET, bright[2] - _QUIET, bright[3] - _QUIET)
    return ImageOps.scale(picture, 4, Image.Resampling.NEAREST)


def _read(picture: Image.Image) -> str:
    found = zxingcpp.read_barcode(picture.convert("L"))
    assert found is not None
    assert (found.format, found.ec_level) == (zxingcpp.BarcodeFormat.QRCode, "M")
    return found.text
