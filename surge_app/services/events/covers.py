"""Pictures of events: the organizer's own, the drawn ones, and the ones that are shared."""

from __future__ import annotations

import asyncio
import hashlib
import io
import warnings
from datetime import date

import anyio
import anyio.to_thread
from PIL import Image, ImageOps
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.engine import Database
from surge_app.db.events import catalog as queries
from surge_app.errors import EditConflict, InvalidRequest, NotFound
from surge_app.formatting import when
from surge_app.languages import N_, gettext as _
from surge_app.models import AuditEntry, EventCover
from surge_app.services.events import cover_art
from surge_app.services.events.catalog import Catalog

LARGEST_UPLOAD = 10 * 1024 * 1024
_MAX_PIXELS = 40_000_000
_MIN_WIDTH, _MIN_HEIGHT = cover_art.WIDTH // 2, cover_art.HEIGHT // 2
_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY = 82
# A picture has at most half a megabyte.
_MAX_CARDS, _MAX_PICTURES = 64, 16
_ONE_PICTURE = N_("The picture has to be a JPEG, PNG or WebP of at most 10 MB and 40 megapixels.")
_STANDS_STILL = N_("The picture has to stand still; this one is animated.")


class Covers:
    """Keeps and draws the pictures of events."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._cards: dict[tuple[str, ...], bytes] = {}
        self._pictures: dict[str, bytes] = {}
        # A large picture takes a few hundred megabytes while it is painted.
        self._easel = anyio.CapacityLimiter(1)
        self._drawing, self._reading = asyncio.Lock(), asyncio.Lock()

    async def save(
        self, slug: str, upload: bytes, *, actor: str, expected: str | None = None, at: int = 50
    ) -> str:
        """Take a picture in place of the drawn cover.

        What is kept is painted anew, cut to 1200 by 630: nothing of the file itself, such as
        where a photograph was taken, is ever sent to anyone.

        Args:
            upload: A JPEG, PNG or WebP of at most `LARGEST_UPLOAD` bytes.
            expected: The name of the picture that was shown, empty for the drawn cover; None
                replaces whatever is there.
            at: Around what a picture of another shape is cut, in percent from its left or top.

        Returns:
            What names the picture in its address.

        Raises:
            EditConflict: If someone else changed the picture since it was shown.
            InvalidRequest: If it is no such picture; the sentence says why.
            NotFound: If there is no such event.
        """
        image = await anyio.to_thread.run_sync(_painted_anew, upload, at, limiter=self._easel)
        digest = hashlib.sha256(image).hexdigest()[:16]
        async with self._database.transaction() as session:
            event = await queries.require_event(session, slug, for_update=True)
            await _require_shown(session, event.id, expected)
            fresh = {"image": image, "digest": digest}
            row = insert(EventCover).values(event_id=event.id, **fresh)
            await session.execute(
                row.on_conflict_do_update(index_elements=["event_id"], set_=fresh)
            )
            session.add(
                AuditEntry(actor=actor, action="cover.save", subject=slug, after={"digest": digest})
            )
        self._catalog.invalidate()
        return digest

    async def remove(self, slug: str, *, actor: str, expected: str | None = None) -> None:
        """Go back to the drawn cover.

        Raises:
            EditConflict: If someone else changed the picture since `expected` was shown.
            NotFound: If there is no picture.
        """
        async with self._database.transaction() as session:
            event = await queries.event_by_slug(session, slug, for_update=True)
            cover = await queries.cover(session, slug, with_drafts=True)
            if event is not None:
                await _require_shown(session, event.id, expected)
            if cover is None:
                raise NotFound
            await session.delete(cover)
            session.add(AuditEntry(actor=actor, action="cover.remove", subject=slug))
        self._catalog.invalidate()

    async def picture(self, slug: str) -> bytes:
        """Return the organizer's picture, a JPEG; raises NotFound if there is none."""
        digest = (await self._catalog.event(slug)).cover_digest
        if digest in self._pictures:
            return self._pictures[digest]
        # One at a time: a crowd must not take the connections that purchases need.
        async with self._reading:
            if digest in self._pictures:
                return self._pictures[digest]
            async with self._database.transaction() as session:
                cover = await queries.cover(session, slug)
            if cover is None:
                raise NotFound
            if len(self._pictures) >= _MAX_PICTURES:
                self._pictures.clear()
            self._pictures[cover.digest] = cover.image
            return cover.image

    async def shown(self, slug: str) -> tuple[bytes, str]:
        """Return the cover an organizer sees, drafts included, and its media type.

        Raises:
            NotFound: If there is no such event.
        """
        async with self._database.transaction() as session:
            event = await queries.event_by_slug(session, slug)
            if event is None:
                raise NotFound
            cover = await queries.cover(session, slug, with_drafts=True)
        if cover is None:
            return cover_art.svg(slug, event.category, event.starts_at.date()), "image/svg+xml"
        return cover.image, "image/jpeg"

    async def drawing(self, slug: str) -> bytes:
        """Return the drawn cover of an event, an SVG; raises NotFound."""
        event = await self._catalog.event(slug)
        return cover_art.svg(event.slug, event.category, event.starts_at.date())

    async def list_card(self) -> bytes:
        """Return what is shown where the list of events is shared, a PNG."""
        return await self._draw_card("surge", "Events", "Tickets by Surge")

    async def card(self, slug: str) -> bytes:
        """Return what is shown where the event is shared, a PNG; raises NotFound."""
        event = await self._catalog.event(slug)
        details = f"{when(event.starts_at, event.time_zone)} · {event.venue}"
        day = event.starts_at.date()
        return await self._draw_card(event.slug, event.name, details, event.category, day)

    async def _draw_card(
        self, slug: str, title: str, details: str, category: str = "", day: date | None = None
    ) -> bytes:
        key = (slug, title, details, category, str(day))
        async with self._drawing:
            if key not in self._cards:
                if len(self._cards) >= _MAX_CARDS:
                    self._cards.clear()
                self._cards[key] = await anyio.to_thread.run_sync(
                    lambda: cover_art.card(
                        slug, title=title, details=details, category=category, day=day
                    )
                )
            return self._cards[key]


async def _require_shown(session: AsyncSession, event_id: str, expected: str | None) -> None:
    digest = await queries.cover_digest(session, event_id)
    if expected is not None and digest != expected:
        msg = _(
            "Someone else changed the picture a moment ago. Nothing was saved. Look at theirs, "
            "then choose again if you want another one."
        )
        raise EditConflict(msg, digest=digest)


def _painted_anew(upload: bytes, at: int) -> bytes:
    if len(upload) > LARGEST_UPLOAD:
        raise InvalidRequest(_ONE_PICTURE)
    try:
        with warnings.catch_warnings():
            # A small file may unfold into a picture that fills the memory.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(upload), formats=_FORMATS) as opened:
                _check(opened)
                picture = _cut(opened, at)
    except InvalidRequest:
        raise
    except Exception as error:  # a broken file makes Pillow raise whatever its reader met
        raise InvalidRequest(_ONE_PICTURE) from error
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _check(opened: Image.Image) -> None:
    if opened.width * opened.height > _MAX_PIXELS:
        raise InvalidRequest(_ONE_PICTURE)
    # A JPEG of several pictures is a photograph with its depth or brightness beside it.
    if opened.format in {"PNG", "WEBP"} and getattr(opened, "is_animated", False):
        raise InvalidRequest(_STANDS_STILL)


def _cut(opened: Image.Image, at: int) -> Image.Image:
    """Return it upright, on white where one could see through, cut and without its metadata."""
    size = (cover_art.WIDTH, cover_art.HEIGHT)
    # A large JPEG is not unfolded further than needed.
    opened.draft("RGB", (2 * cover_art.WIDTH, 2 * cover_art.HEIGHT))
    upright = ImageOps.exif_transpose(opened)
    if upright.width < _MIN_WIDTH or upright.height < _MIN_HEIGHT:
        msg = _(
            "The picture is too small: {size} pixels. Nothing was saved. Choose one of at least "
            "{least}, better {better}.",
            size=f"{upright.width} × {upright.height}",
            least=f"{_MIN_WIDTH} × {_MIN_HEIGHT}",
            better=f"{cover_art.WIDTH} × {cover_art.HEIGHT}",
        )
        raise InvalidRequest(msg)
    kind = "RGBA" if upright.has_transparency_data else "RGB"
    middle = (at / 100, at / 100)
    cut = ImageOps.fit(upright.convert(kind), size, Image.Resampling.LANCZOS, centering=middle)
    # On new paper: what was written on the back of the old, such as a comment, would be saved too.
    paper = Image.new("RGB", size, "white")
    paper.paste(cut, mask=cut if kind == "RGBA" else None)
    return paper
