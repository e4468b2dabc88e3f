"""Read the catalogues: PO files, parsed at the first use and kept."""

# Babel types its reader only in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from surge_app.languages import pseudo

FOLDER: Final = Path(__file__).with_name("catalogues")
CONTEXT: Final = "\x04"
"""Between the context of a sentence and the sentence, as in gettext's own files."""
_PLURAL = "(n != 1)"


@dataclass(frozen=True)
class Texts:
    """The sentences of one language.

    Attributes:
        texts: By English sentence; a context stands before it.
        sources: The files that use each of them.
        plural_rule: Chooses the form for `n`; valid in C, JavaScript and gettext alike.
    """

    texts: dict[str, tuple[str, ...]]
    sources: dict[str, frozenset[str]]
    plural_rule: str
    plural: Callable[[int], int]


@cache
def catalogue(tag: str) -> Texts:
    """Return the sentences of a language; English has none, as they are the keys."""
    if tag == "en":
        return _texts(Catalog(), "en")
    if pseudo.is_pseudo(tag):
        return _texts(read_catalogue("hi"), tag)
    return _texts(read_catalogue(tag), tag)


def path_of(tag: str) -> Path:
    """Return the PO file of a language."""
    return FOLDER / f"{tag}.po"


def read_catalogue(tag: str) -> Catalog:
    """Read the PO file of a language."""
    with path_of(tag).open("rb") as file:
        return read_po(file, locale=tag)


def _texts(source: Catalog, tag: str) -> Texts:
    texts: dict[str, tuple[str, ...]] = {}
    sources: dict[str, frozenset[str]] = {}
    for message in source:
        if not message.id:
            continue
        key = key_of(message)
        forms = _forms(message, tag)
        if forms and all(forms):
            texts[key] = forms
            sources[key] = frozenset(path for path, _ in message.locations)
    rule = source.plural_expr if tag == source.locale_identifier else _PLURAL
    return Texts(texts, sources, rule, c2py(rule))


def key_of(message: Message) -> str:
    """Return the key of a sentence: its English, behind its context if it has one."""
    first = message.id if isinstance(message.id, str) else message.id[0]
    return f"{message.context}{CONTEXT}{first}" if message.context else first


def _forms(message: Message, tag: str) -> tuple[str, ...]:
    if pseudo.is_pseudo(tag):
        ids = (message.id,) if isinstance(message.id, str) else message.id
        return tuple(pseudo.transform(one, tag) for one in ids)
    if message.fuzzy:
        return ()
    text = message.string
    return (text,) if isinstance(text, str) else tuple(text or ())
