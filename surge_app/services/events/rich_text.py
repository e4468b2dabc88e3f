"""Parse plain text into paragraphs, lists, headings and links.

Nothing in it is markup: a page shows each part as text, and a link leads to nothing but the web or
a mailbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

BlockKind = Literal["paragraph", "list", "steps", "heading"]

_ITEM = re.compile(r"(?:[-*•–]\s+)(?P<text>.+)")
_STEP = re.compile(r"\d{1,3}[.)]\s+(?P<text>.+)")
_HEADING = re.compile(r"#{1,4}\s+(?P<text>.+)")
_LINK = re.compile(
    r"(?P<web>(?:https?://|www\.)[^\s<>\"'\\\x00-\x1f]+)"
    r"|(?P<mail>[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-zA-Z]{2,24})",
    re.IGNORECASE,
)
_BEHIND = ".,;:!?…)]}»”’'"


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a line; `href` is empty if it is no link."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a paragraph, an item of a list, or a heading."""

    parts: tuple[TextPart, ...]


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Lines that belong together."""

    kind: BlockKind
    lines: tuple[TextLine, ...]


def rich_text(text: str) -> tuple[TextBlock, ...]:
    """Return the blocks of a text; a blank line ends one."""
    lines = [_classified(line.strip()) for line in text.splitlines()]
    blocks: list[TextBlock] = []
    for kind, found in groupby(lines, key=_kind):
        if kind == "heading":
            blocks += [TextBlock("heading", (_line(words),)) for _, words in found]
        elif kind is not None:
            blocks.append(TextBlock(kind, tuple(_line(words) for _, words in found)))
    return tuple(blocks)


def _kind(line: tuple[BlockKind | None, str]) -> BlockKind | None:
    return line[0]


def _classified(line: str) -> tuple[BlockKind | None, str]:
    if not line:
        return None, ""
    kinds: tuple[tuple[BlockKind, re.Pattern[str]], ...] = (
        ("heading", _HEADING),
        ("list", _ITEM),
        ("steps", _STEP),
    )
    for kind, pattern in kinds:
        if found := pattern.fullmatch(line):
            return kind, found["text"]
    return "paragraph", line


def _line(text: str) -> TextLine:
    return TextLine(tuple(_parts(text)))


def _parts(text: str) -> Iterator[TextPart]:
    done = 0
    for found in _LINK.finditer(text):
        # A full stop or bracket behind an address belongs to the sentence.
        address = found[0].rstrip(_BEHIND)
        if found["web"] and address.count("(") > address.count(")"):
            address = found[0].rstrip(_BEHIND.replace(")", ""))
        if found.start() > done:
            yield TextPart(text[done : found.start()])
        yield TextPart(address, _href(address, is_mail=bool(found["mail"])))
        done = found.start() + len(address)
    if done < len(text):
        yield TextPart(text[done:])


def _href(address: str, *, is_mail: bool) -> str:
    if is_mail:
        return f"mailto:{address}"
    return address if address.lower().startswith("http") else f"https://{address}"
