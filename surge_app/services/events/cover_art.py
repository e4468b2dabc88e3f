"""Draw the cover of an event without a picture: many lines, one entrance, and one ring.

The slug decides the colours, the category the motif, and slug and day where the lines run, so an
event looks the same everywhere and each date of a series has a drawing of its own.
"""

# Pillow types its sizes only in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from PIL import Image, ImageDraw, ImageFont

from surge_app.services.events import typefaces

WIDTH, HEIGHT = 1200, 630
_FINER = 2
_STEPS = 90
_MARGIN = 72
_LONGEST_TITLE = 3
# Of a box far wider than the drawing, the middle half is seen, and a page covers its foot.
_WIDE, _HEIGHT_IN_WIDE, _CUT_IN_WIDE = "(min-aspect-ratio: 3/1)", 290, 182
_DARK = "(prefers-color-scheme: dark)"

_Point = tuple[float, float]
_Curve = tuple[_Point, _Point, _Point, _Point]


@dataclass(frozen=True, slots=True)
class _Palette:
    """Ground, lines and ring, by day and by night; the shared card is always the night's."""

    day: tuple[str, str, str]
    night: tuple[str, str, str]


_PALETTES = (
    _Palette(("#ece8ff", "#8f78f5", "#4f2bea"), ("#221a45", "#6f5bd6", "#c3b5ff")),
    _Palette(("#ffe9dc", "#f09a6a", "#c2410c"), ("#3a1d14", "#b8683f", "#ffb48a")),
    _Palette(("#dff3ec", "#5bb796", "#0b7a53"), ("#10302a", "#3c8f75", "#7fe0b8")),
    _Palette(("#e2eefc", "#6ea3e0", "#1d5fb8"), ("#122744", "#4477b8", "#9cc7ff")),
    _Palette(("#fde6ef", "#e58aae", "#b4235f"), ("#3b1428", "#a8537a", "#ffa5c8")),
    _Palette(("#fbf0d0", "#d9ac3f", "#8a5d00"), ("#33270d", "#97772d", "#f5cd6a")),
    _Palette(("#e0f4f5", "#55b3ba", "#0c6f78"), ("#0f2e31", "#3a868c", "#83dfe6")),
    _Palette(("#f6e6fa", "#c084d6", "#8a2ba8"), ("#311238", "#8f56a3", "#e6b0f7")),
    _Palette(("#eef3d9", "#a3b95a", "#55700f"), ("#222a0e", "#76883c", "#cfe38a")),
    _Palette(("#fde7e2", "#ee8b7b", "#b3261e"), ("#3a1512", "#ad5a4e", "#ffa99c")),
)


@dataclass(frozen=True, slots=True)
class Art:
    """The drawing of a slug: curves, an entrance, and a ring on one of the curves.

    Attributes:
        curves: Cubic Bézier curves, beside each other.
        ring: Which curve the ring is on.
        at: How far along it, 0 to 1.
        entrance: The middle of the bar that stands for it.
    """

    palette: _Palette
    curves: tuple[_Curve, ...]
    ring: int
    at: float
    entrance: _Point


class _Dice:
    """Numbers between 0 and 1 from a digest, always the same ones for the same name."""

    def __init__(self, name: str) -> None:
        self._bytes = iter(hashlib.sha256(f"cover:{name}".encode()).digest())

    def roll(self, low: float, high: float) -> float:
        return low + (high - low) * next(self._bytes) / 255

    def pick(self, of: int) -> int:
        return next(self._bytes) % of


def art(slug: str, category: str = "", day: date | None = None) -> Art:
    """Return what an event's slug, category and day draw."""
    dice = _Dice(slug)
    palette = _PALETTES[dice.pick(len(_PALETTES))]
    own = dice.pick(len(_MOTIFS))
    motif = _MOTIFS[_MOTIF_OF.get(category.casefold(), own)]
    count = round(dice.roll(9, 13))
    curves, entrance = motif(_Dice(f"{slug} {day}") if day else dice, count)
    ring = round(dice.roll(count * 0.3, count * 0.7))
    return Art(palette, curves, ring, dice.roll(0.5, 0.72), entrance)


def _stream(dice: _Dice, count: int) -> tuple[tuple[_Curve, ...], _Point]:
    """Draw lines that come together at the entrance."""
    entrance = (dice.roll(850, 1010), dice.roll(230, 400))
    spread, swing = dice.roll(70, 120), dice.roll(-190, 190)
    wave, near = dice.roll(90, 230), dice.roll(0.42, 0.6)
    curves: list[_Curve] = []
    for part in _parts(count):
        start = (-40.0, HEIGHT / 2 + part * (HEIGHT + spread) + swing * 0.4)
        bend = (entrance[0] * near * 0.55, start[1] + swing + wave * (0.5 - abs(part)))
        final = (entrance[0] * near * 1.25, entrance[1] + part * 46 - swing * 0.35)
        curves.append((start, bend, final, (entrance[0], entrance[1] + part * 58)))
    return tuple(curves), entrance


def _waves(dice: _Dice, count: int) -> tuple[tuple[_Curve, ...], _Point]:
    """Draw a sea of lines from edge to edge."""
    swing, slope = dice.roll(140, 320), dice.roll(-120, 120)
    first, second = dice.roll(250, 450), dice.roll(750, 950)
    curves = tuple(
        (
            (-40.0, y := HEIGHT / 2 + part * (HEIGHT + 160)),
            (first, y - swing),
            (second, y + swing * (0.6 + abs(part))),
            (WIDTH + 40.0, y + slope),
        )
        for part in _parts(count)
    )
    return curves, (dice.roll(930, 1080), dice.roll(260, 370))


def _arches(dice: _Dice, count: int) -> tuple[tuple[_Curve, ...], _Point]:
    """Draw arches around the entrance, as of a stage."""
    middle, tall = dice.roll(430, 770), dice.roll(0.85, 1.15)
    ground, step = HEIGHT + 40.0, dice.roll(48, 66)
    curves = tuple(
        (
            (middle - wide, ground),
            (middle - wide, ground - wide * 1.33 * tall),
            (middle + wide, ground - wide * 1.33 * tall),
            (middle + wide, ground),
        )
        for wide in (170 + number * step for number in range(count))
    )
    return curves, (middle, HEIGHT - 105.0)


def _rays(dice: _Dice, count: int) -> tuple[tuple[_Curve, ...], _Point]:
    """Draw rays from the entrance, as of a rising sun."""
    x, y = dice.roll(380, 820), HEIGHT - 95.0
    bend = dice.roll(-0.35, 0.35)

    def at(angle: float, distance: float) -> _Point:
        return x + math.sin(angle) * distance, y - math.cos(angle) * distance

    curves = tuple(
        (
            at(angle + bend, 1100),
            at(angle + bend * 0.6, 520),
            at(angle + bend * 0.2, 300),
            at(angle, 190),
        )
        for angle in (part * 3.3 for part in _parts(count))
    )
    return curves, (x, y)


def _parts(count: int) -> Iterator[float]:
    """Yield where each of many stands, from -0.5 to 0.5."""
    return (number / (count - 1) - 0.5 for number in range(count))


_MOTIFS = (_stream, _waves, _arches, _rays)
# Of another category it is the slug's.
_MOTIF_OF = {
    **dict.fromkeys(("sport", "sports", "workshop", "talk", "conference"), 0),
    **dict.fromkeys(("music", "concert", "concerts", "dance"), 1),
    **dict.fromkeys(("comedy", "theatre", "film", "opera"), 2),
    **dict.fromkeys(("festival", "festivals", "food", "family"), 3),
}


def svg(slug: str, category: str = "", day: date | None = None) -> bytes:
    """Return the cover as an SVG that follows the reader's theme."""
    drawn = art(slug, category, day)
    ground, lines, ring = drawn.palette.day
    dark_ground, dark_lines, dark_ring = drawn.palette.night
    style = (
        f".g{{fill:{ground}}}.l{{stroke:{lines}}}.r{{stroke:{ring}}}"
        f"@media {_DARK}{{.g{{fill:{dark_ground}}}.l{{stroke:{dark_lines}}}"
        f".r{{stroke:{dark_ring}}}}}"
        f"@media {_WIDE}{{.a{{transform:translateY({_shift(drawn):.0f}px)}}}}"
    )
    paths = "".join(
        f'<path class="{"r" if number == drawn.ring else "l"}" d="{_path(curve)}" '
        f'stroke-width="{_weight(drawn, number):g}" opacity="{_strength(drawn, number):.2f}"/>'
        for number, curve in enumerate(drawn.curves)
    )
    x, y = _point(drawn.curves[drawn.ring], drawn.at)
    at_x, at_y = drawn.entrance
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="xMidYMid slice">'
        f"<style>{style}</style><path class='g' d='M0 0H{WIDTH}V{HEIGHT}H0z'/>"
        f'<g class="a"><g fill="none" stroke-linecap="round">{paths}'
        f'<path class="r" stroke-width="14" d="M{at_x:.0f} {at_y - 95:.0f}V{at_y + 95:.0f}"/>'
        f"</g><circle class='g r' cx='{x:.0f}' cy='{y:.0f}' r='27' stroke-width='16'/></g></svg>"
    ).encode()


def card(
    slug: str, *, title: str, details: str, category: str = "", day: date | None = None
) -> bytes:
    """Return the picture shown where an event is shared, 1200 by 630, as a PNG.

    Args:
        slug: Decides what is drawn.
        details: When and where, on one line.
        category: Of the event; decides the motif.
    """
    image = _painted(art(slug, category, day))
    title, details = typefaces.printable(title), typefaces.printable(details)
    ground, _, ink = art(slug).palette.night
    draw = ImageDraw.Draw(image)
    rows = list(_rows(title, 76, 700))[:_LONGEST_TITLE]
    top = HEIGHT - _MARGIN - 56 - 88 * len(rows)
    veil = Image.new("L", (1, HEIGHT))
    for y in range(HEIGHT):
        veil.putpixel((0, y), min(235, max(0, int(255 * (y - top + 150) / 190))))
    image.paste(Image.new("RGB", image.size, ground), mask=veil.resize(image.size))
    for number, row in enumerate(rows):
        _write(draw, (_MARGIN, top + 88 * number), row, 76, 700, "#ffffff")
    line = next(_rows(details, 36, 400), "")
    _write(draw, (_MARGIN, HEIGHT - _MARGIN - 40), line, 36, 400, ink)
    out = io.BytesIO()
    image.quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _painted(drawn: Art) -> Image.Image:
    ground, lines, ring = drawn.palette.night
    image = Image.new("RGB", (WIDTH * _FINER, HEIGHT * _FINER), ground)
    draw = ImageDraw.Draw(image)
    for number, curve in enumerate(drawn.curves):
        is_ring = number == drawn.ring
        colour = _mixed(ground, ring if is_ring else lines, _strength(drawn, number))
        points = [_scaled(_point(curve, step / _STEPS)) for step in range(_STEPS + 1)]
        draw.line(points, colour, round(_weight(drawn, number) * _FINER), joint="curve")
    x, y = drawn.entrance
    entrance = [_scaled((x, y - 95)), _scaled((x, y + 95))]
    draw.line(entrance, ring, 14 * _FINER)
    x, y = _point(drawn.curves[drawn.ring], drawn.at)
    box = [_scaled((x - 35, y - 35)), _scaled((x + 35, y + 35))]
    draw.ellipse(box, ground, ring, 16 * _FINER)
    return image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _path(curve: _Curve) -> str:
    start, *rest = (f"{x:.0f} {y:.0f}" for x, y in curve)
    return f"M{start}C{' '.join(rest)}"


def _point(curve: _Curve, at: float) -> _Point:
    weights = ((1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3)
    x = sum(weight * point[0] for weight, point in zip(weights, curve, strict=True))
    y = sum(weight * point[1] for weight, point in zip(weights, curve, strict=True))
    return x, y


def _shift(drawn: Art) -> float:
    """Return how far down the drawing moves in a wide box, so that its ring is seen."""
    _x, y = _point(drawn.curves[drawn.ring], drawn.at)
    return min(_CUT_IN_WIDE, max(-_CUT_IN_WIDE, _HEIGHT_IN_WIDE - y))


def _weight(drawn: Art, number: int) -> float:
    return 12 if number == drawn.ring else 7


def _strength(drawn: Art, number: int) -> float:
    """Return how strong a line is: the further from the ring, the fainter."""
    distance = abs(number - drawn.ring) / len(drawn.curves)
    return 1 if number == drawn.ring else 0.85 - 0.75 * distance


def _mixed(ground: str, colour: str, strength: float) -> tuple[int, int, int]:
    below, above = (bytes.fromhex(text[1:]) for text in (ground, colour))
    red, green, blue = (
        round(low + (high - low) * strength) for low, high in zip(below, above, strict=True)
    )
    return red, green, blue


def _scaled(point: _Point) -> _Point:
    return point[0] * _FINER, point[1] * _FINER


def _font(size: int, weight: int, family: str = "inter") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(typefaces.face_file(family, weight), size)


def _rows(text: str, size: int, weight: int) -> Iterator[str]:
    """Yield a text in rows that fit; a word that is too long is cut, as Chinese has no spaces."""
    most = WIDTH - 2 * _MARGIN
    row = ""
    for word in text.split():
        longer = f"{row} {word}".strip()
        if row and _width(longer, size, weight) > most:
            yield row
            longer = word
        while _width(longer, size, weight) > most:
            longer = longer[:-1]
        row = longer
    if row:
        yield row


def _width(text: str, size: int, weight: int) -> float:
    return sum(_font(size, weight, face).getlength(part) for face, part in typefaces.runs(text))


def _write(
    draw: ImageDraw.ImageDraw, at: _Point, text: str, size: int, weight: int, colour: str
) -> None:
    """Write a row, each part of it in the face that has its letters."""
    x, y = at
    for family, part in typefaces.runs(text):
        font = _font(size, weight, family)
        draw.text((x, y + size), part, colour, font, anchor="ls")
        x += font.getlength(part)
