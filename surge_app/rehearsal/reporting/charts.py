"""Plots as SVG inside the page: no script, no other host, readable in light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

_WIDTH, _HEIGHT = 480, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 42
_TICKS = 5
_MAX_POINTS = 600
_NICE = (1, 2, 5, 10)
_DOT = 1.8


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one kind under one name; its colour follows from its position."""

    name: str
    points: Sequence[tuple[float, float]]
    kind: Literal["line", "bars", "dots"] = "line"


def chart(title: str, series: Sequence[Series], *, x: str, y: str) -> str:
    """Return a figure with its legend.

    Args:
        title: What it shows, in a sentence; read aloud instead of the picture.
        series: At most three.
        x: What the horizontal axis counts.
        y: What the vertical axis counts.
    """
    points = [point for one in series for point in one.points]
    widest = max((point[0] for point in points), default=0) or 1
    highest = _rounded(max((point[1] for point in points), default=0) or 1)
    frame = _Frame(widest, highest)
    drawn = "".join(_draw(one, frame, f"s{index}") for index, one in enumerate(series))
    legend = "".join(
        f'<li><span class="key s{index}"></span>{escape(one.name)}</li>'
        for index, one in enumerate(series)
    )
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{_axes(frame, x, y)}{drawn}</svg>"
        f'<figcaption>{escape(title)}<ul class="legend">{legend}</ul></figcaption></figure>'
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    widest: float
    highest: float

    def across(self, value: float) -> float:
        return round(_LEFT + value / self.widest * (_WIDTH - _LEFT - _RIGHT), 1)

    def up(self, value: float) -> float:
        return round(_HEIGHT - _BOTTOM - value / self.highest * (_HEIGHT - _TOP - _BOTTOM), 1)


def _draw(series: Series, frame: _Frame, style: str) -> str:
    points = _thinned(series.points)
    if series.kind == "dots":
        return "".join(
            f'<circle class="{style}" cx="{frame.across(x)}" cy="{frame.up(y)}" r="{_DOT}"/>'
            for x, y in points
        )
    if series.kind == "bars":
        width = max(1.0, (_WIDTH - _LEFT - _RIGHT) / max(1, len(points)) * 0.8)
        foot = frame.up(0)
        return "".join(
            f'<rect class="{style}" x="{frame.across(x)}" y="{frame.up(y)}" width="{width:.1f}" '
            f'height="{foot - frame.up(y):.1f}"/>'
            for x, y in points
        )
    path = " ".join(f"{frame.across(x)},{frame.up(y)}" for x, y in points)
    return f'<polyline class="{style}" points="{path}"/>'


def _axes(frame: _Frame, x: str, y: str) -> str:
    parts: list[str] = []
    for value in _ticks(frame.highest):
        height = frame.up(value)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{height}" y2="{height}"/>'
            f'<text x="{_LEFT - 6}" y="{height + 4}" text-anchor="end">{value:,g}</text>'
        )
    parts.extend(
        f'<text x="{frame.across(value)}" y="{_HEIGHT - _BOTTOM + 17}" text-anchor="middle">'
        f"{value:,g}</text>"
        for value in _ticks(frame.widest)
    )
    parts.append(
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{escape(x)}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">{escape(y)}</text>'
    )
    return "".join(parts)


def _ticks(highest: float) -> list[float]:
    step = _rounded(highest / _TICKS)
    return [round(index * step, 6) for index in range(int(highest / step) + 1)]


def _rounded(value: float) -> float:
    """Return the next number of the form 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(nice * power for nice in _NICE if nice * power >= value * 0.999)


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    every = max(1, math.ceil(len(points) / _MAX_POINTS))
    return points[::every]
