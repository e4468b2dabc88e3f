"""In `/api/admin/events`: publishing, copying, announcing and cancelling a whole event."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from surge_app.api.admin.router import admin_router
from surge_app.api.dependencies import OrganizerName, Services
from surge_app.api.schemas import Slug, StrictBody
from surge_app.models import MessageKind
from surge_app.services.admin.event_lifecycle import Cancellation
from surge_app.services.messaging.event_notices import NoticePreview, SentNotice

router = admin_router("/events")


NoticeKind = Literal["event_changed", "event_cancelled"]


class DuplicateIn(StrictBody):
    """The slug and start of the copy of an event."""

    slug: Slug
    starts_at: AwareDatetime


class CopyOut(BaseModel):
    """The address of the copy, which is a draft."""

    slug: str


@router.post("/{slug}/publish", status_code=204)
async def publish_event(slug: str, services: Services, user: OrganizerName) -> None:
    """Publish a draft."""
    await services.lifecycle.publish(slug, actor=user)


@router.post("/{slug}/unpublish", status_code=204)
async def unpublish_event(slug: str, services: Services, user: OrganizerName) -> None:
    """Make an event without sold or held tickets a draft again."""
    await services.lifecycle.unpublish(slug, actor=user)


@router.post("/{slug}/duplicate", status_code=201)
async def duplicate_event(
    slug: str, user: OrganizerName, body: DuplicateIn, services: Services
) -> CopyOut:
    """Copy an event with its tiers as a draft."""
    copy = await services.lifecycle.copy_event(
        slug, new_slug=body.slug, starts_at=body.starts_at, actor=user
    )
    return CopyOut(slug=copy)


class CancelIn(StrictBody):
    """Why the event is cancelled, and the version of the preview."""

    reason: str = Field(default="", max_length=2_000)
    version: int | None = None


class NoticeIn(StrictBody):
    """The organizer's own words in a notice."""

    words: str = Field(default="", max_length=2_000)


class ChangeNoticeIn(NoticeIn):
    """A notice as it was previewed; another version is refused."""

    version: int


class NoticeOut(BaseModel):
    """The notice that is on its way."""

    id: str


@router.post("/{slug}/cancel", status_code=202)
async def cancel_event(
    slug: str, services: Services, user: OrganizerName, body: CancelIn | None = None
) -> Cancellation:
    """Cancel an event, refund every booking and tell its buyer; jobs complete it."""
    sent = body or CancelIn()
    return await services.lifecycle.cancel(
        slug, actor=user, reason=sent.reason, version=sent.version
    )


@router.get("/{slug}/notices")
async def list_notices(slug: str, services: Services) -> tuple[SentNotice, ...]:
    """Return the newest notices to ticket holders, and how their messages stand."""
    return await services.event_notices.sent(slug)


@router.post("/{slug}/notices/preview")
async def preview_notice(
    slug: str, body: NoticeIn, services: Services, kind: NoticeKind = "event_changed"
) -> NoticePreview:
    """Return the text of a notice and how many it would reach; sends nothing."""
    return await services.event_notices.preview(slug, MessageKind(kind), words=body.words)


@router.post("/{slug}/notices", status_code=202)
async def announce_changes(
    slug: str, body: ChangeNoticeIn, services: Services, user: OrganizerName
) -> NoticeOut:
    """Tell every ticket holder what has changed since the last notice."""
    notice_id = await services.event_notices.announce_changes(
        slug, words=body.words, version=body.version, actor=user
    )
    return NoticeOut(id=notice_id)


@router.get("/{slug}/cancellation")
async def cancellation(slug: str, services: Services) -> Cancellation:
    """Return how far the refunds are."""
    return await services.lifecycle.cancellation(slug)
