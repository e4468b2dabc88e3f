"""The pages about the shop itself: help, refunds, privacy, terms. Organizers may rewrite each."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

from surge_app.db.admin import audit_log
from surge_app.db.engine import Database
from surge_app.db.events import catalog as queries
from surge_app.errors import EditConflict, InvalidRequest, NotFound
from surge_app.formatting import format_number
from surge_app.languages import A_, N_, current, gettext as _
from surge_app.models import AuditEntry

LONGEST_TEXT: Final = 20_000
SITE_PAGES: Final = {
    "help": N_("Help"),
    "refunds": N_("Refunds"),
    "privacy": N_("Privacy"),
    "terms": N_("Terms"),
}
"""Titles by the names in the pages' addresses."""

_FRESH_SECONDS = 5.0
_TOO_LONG = A_("Nothing was saved. A text has at most {most} characters.")
_SOMEONE = A_("Someone else")
_CHANGED = A_(
    "Nothing was saved. {actor} changed this text a moment ago; it is at /{name}. "
    "Save again to replace it with yours."
)


@dataclass(frozen=True, slots=True)
class SitePage:
    """A page about the shop.

    Attributes:
        body: As typed; `rich_text` reads it.
        is_default: Whether no organizer has rewritten it.
    """

    name: str
    title: str
    body: str
    is_default: bool


class SiteTexts:
    """Reads the texts for everyone and stores those of organizers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stored: dict[str, str] = {}
        self._read_at = -_FRESH_SECONDS
        self._reading = asyncio.Lock()

    async def page(self, name: str) -> SitePage:
        """Return one page, a few seconds old at most; raises NotFound."""
        if name not in SITE_PAGES:
            raise NotFound
        if self._is_stale():
            async with self._reading:
                # A crowd that waited for the lock finds what the first one has read.
                if self._is_stale():
                    await self._read()
        return self._page(name)

    async def pages(self) -> list[SitePage]:
        """Return every page as it is stored now: an editor's change is compared with it."""
        # A read that has begun may miss what was saved since.
        async with self._reading:
            await self._read()
        return [self._page(name) for name in SITE_PAGES]

    async def save(self, name: str, body: str, *, actor: str, expected: str | None = None) -> None:
        """Store the text of a page; an empty one brings back the default.

        Args:
            expected: The text the editor was shown; None overwrites whatever is stored.

        Raises:
            EditConflict: If someone else changed the text since it was shown.
            InvalidRequest: If it is too long.
            NotFound: If there is no such page.
        """
        if name not in SITE_PAGES:
            raise NotFound
        text = _plain(body)
        if len(text) > LONGEST_TEXT:
            most = format_number(LONGEST_TEXT)
            raise InvalidRequest(_(_TOO_LONG, most=most))
        text = "" if text == _default(name) else text
        try:
            async with self._database.transaction() as session:
                stored = await queries.lock_site_text(session, name)
                now = stored.body or _default(name)
                if expected is not None and now not in {_plain(expected), text or _default(name)}:
                    entry = await audit_log.last_change(session, name, "characters")
                    raise EditConflict(_conflict(name, entry.actor if entry else _(_SOMEONE)))
                stored.body = text
                length = {"characters": len(text)}
                session.add(AuditEntry(actor=actor, action="text.save", subject=name, after=length))
        finally:
            # Also after a conflict the next reader sees what is stored.
            self._read_at = -_FRESH_SECONDS

    def _page(self, name: str) -> SitePage:
        body = self._stored.get(name, "")
        return SitePage(name, SITE_PAGES[name], body or _default(name), is_default=not body)

    def _is_stale(self) -> bool:
        return time.monotonic() - self._read_at >= _FRESH_SECONDS

    async def _read(self) -> None:
        started = time.monotonic()
        async with self._database.transaction() as session:
            self._stored = await queries.site_texts(session)
        self._read_at = started


def _plain(body: str) -> str:
    return body.replace("\r\n", "\n").strip()


def _conflict(name: str, actor: str) -> str:
    return _(_CHANGED, actor=actor, name=name)


def _default(name: str) -> str:
    """Return our own text of a page in the current language."""
    return _file(name, current().tag)


@lru_cache
def _file(name: str, tag: str) -> str:
    folder = files("surge_app.services.events") / "texts"
    own = folder / f"{name}.{tag}.txt"
    file = own if own.is_file() else folder / f"{name}.txt"
    return file.read_text("utf-8").strip()
