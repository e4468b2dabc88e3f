"""Notices to ticket holders: changes, the cancellation, and their delivery."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import reflex as rx

from surge_app.container import current
from surge_app.errors import InvalidRequest
from surge_app.formatting import format_number, rupees, when
from surge_app.languages import N_, gettext as _, ngettext
from surge_app.models import MessageKind
from surge_app.services.admin.event_lifecycle import Cancellation
from surge_app.services.messaging.event_notices import NoticePreview, NoticeReach, SentNotice
from surge_app.state.admin.common import (
    AdminState,
    bookings,
    form_fields,
    organizer_action,
    parse_int,
)

_TITLES = {"event_changed": N_("Change"), "event_cancelled": N_("Cancellation")}


@dataclass(frozen=True)
class NoticeCard:
    """A notice before it is sent.

    Attributes:
        version: Sent along, so that a notice of an older event is refused.
        reach: The number of recipients, by mail and SMS.
        warning: How many it does not reach; empty if it reaches all.
        question: What the last button does.
    """

    version: str = ""
    words: str = ""
    changes: list[str] = field(default_factory=list[str])
    subject: str = ""
    text: str = ""
    sms: str = ""
    reach: str = ""
    warning: str = ""
    unreached: list[str] = field(default_factory=list[str])
    question: str = ""


@dataclass(frozen=True)
class SentCard:
    """A notice that was given, and how its messages stand."""

    title: str = ""
    text: str = ""
    progress: str = ""
    is_troubled: bool = False


class EventNoticesState(AdminState, rx.State):
    """Notices to the ticket holders of one event.

    Attributes:
        stage: The phase of the event: draft, published or cancelled.
        change: The notice of what changed since the last one.
        cancellation: The notice of a cancellation.
        refunds: Progress of the refunds of a cancelled event.
        refunded_percent: The same as a number.
    """

    slug: str = ""
    name: str = ""
    stage: str = ""
    change: NoticeCard = NoticeCard()
    cancellation: NoticeCard = NoticeCard()
    sent: list[SentCard] = []
    refunds: str = ""
    refunded_percent: float = 0

    @rx.event
    async def refresh(self) -> None:
        """Read how messages and refunds stand; what is being written stays as it is."""
        if self.phase == "ready" and await self._organizer() is not None:
            await self._read_progress()

    @rx.event
    @organizer_action
    async def preview_change(self, _actor: str, form: dict[str, object]) -> None:
        """Show the notice of a change with the organizer's words."""
        self.change = NoticeCard(words=form_fields(form).get("words", ""))

    @rx.event
    @organizer_action
    async def preview_cancellation(self, _actor: str, form: dict[str, object]) -> None:
        """Show the notice of a cancellation with the organizer's reason."""
        self.cancellation = NoticeCard(words=form_fields(form).get("words", ""))

    @rx.event
    @organizer_action
    async def announce(self, actor: str, form: dict[str, object]) -> str:
        """Tell every ticket holder what has changed."""
        sent = form_fields(form)
        await current().event_notices.announce_changes(
            self._subject(),
            words=sent.get("words", ""),
            version=_version(sent.get("version", "")),
            actor=actor,
        )
        self.change = NoticeCard()
        return _("Messages are on their way.")

    @rx.event
    @organizer_action
    async def cancel(self, actor: str, form: dict[str, object]) -> str:
        """Cancel the event, once its web address was typed."""
        sent, slug = form_fields(form), self._subject()
        if sent.get("confirm") != slug:
            raise InvalidRequest(_("Nothing was cancelled. Type {slug} to confirm.", slug=slug))
        await current().lifecycle.cancel(
            slug,
            actor=actor,
            reason=sent.get("words", ""),
            version=_version(sent.get("version", "")),
        )
        return _("Event cancelled. Refunds and messages have started.")

    async def _read(self) -> None:
        services, slug = current(), self._subject()
        stored = await services.organizer.settings(slug)
        self.slug, self.name, self.stage = slug, stored.name, stored.phase
        if stored.phase == "published":
            change = await services.event_notices.preview(
                slug, MessageKind.EVENT_CHANGED, words=self.change.words
            )
            self.change = _card(change, self.change.words, _announcing(change.reach))
            cancellation = await services.event_notices.preview(
                slug, MessageKind.EVENT_CANCELLED, words=self.cancellation.words
            )
            self.cancellation = _card(cancellation, self.cancellation.words, "")
        await self._read_progress()
        self.phase = "ready"

    async def _read_progress(self) -> None:
        services, slug = current(), self._subject()
        zone = (await services.organizer.settings(slug)).time_zone
        self.sent = [_sent(one, zone) for one in await services.event_notices.sent(slug)]
        self.refunds = ""
        if self.stage == "draft":
            return
        progress = await services.lifecycle.cancellation(slug)
        if self.stage == "published":
            # Tickets are sold while the page is open.
            card = replace(self.cancellation, question=_cancelling(progress))
            if card != self.cancellation:
                self.cancellation = card
        else:
            total = progress.waiting + progress.on_their_way + progress.done
            self.refunds = _(
                "{done} refunded, {running} in progress, {waiting} waiting.",
                done=format_number(progress.done),
                running=format_number(progress.on_their_way),
                waiting=format_number(progress.waiting),
            )
            self.refunded_percent = round(progress.done / total * 100, 1) if total else 100


def _version(sent: str) -> int:
    version = parse_int(sent)
    if version is None:
        raise InvalidRequest(_("Nothing was sent. Open the page again."))
    return version


def _card(preview: NoticePreview, words: str, question: str) -> NoticeCard:
    return NoticeCard(
        version=str(preview.version),
        words=words,
        changes=list(preview.changes),
        subject=preview.subject,
        text=preview.text,
        sms=preview.sms,
        reach=_reach(preview.reach),
        warning=_warning(preview.reach),
        unreached=preview.reach.unreached,
        question=question,
    )


def _reach(reach: NoticeReach) -> str:
    return _(
        "{bookings}: {emails} and {texts} SMS.",
        bookings=bookings(reach.bookings),
        emails=_emails(reach),
        texts=format_number(reach.texts),
    )


def _emails(reach: NoticeReach) -> str:
    return ngettext("{count} email", "{count} emails", reach.emails)


def _warning(reach: NoticeReach) -> str:
    parts: list[str] = []
    if reach.without_contact:
        parts.append(
            ngettext(
                "{count} booking has no email address or mobile number.",
                "{count} bookings have no email address or mobile number.",
                reach.without_contact,
            )
        )
    if reach.undelivered:
        count = bookings(reach.undelivered)
        parts.append(_("Earlier messages to {bookings} did not arrive.", bookings=count))
    return " ".join(parts)


def _announcing(reach: NoticeReach) -> str:
    return _(
        "Send {emails} and {texts} SMS to the buyers of {bookings}?",
        emails=_emails(reach),
        texts=format_number(reach.texts),
        bookings=bookings(reach.bookings),
    )


def _cancelling(progress: Cancellation) -> str:
    if not progress.waiting:
        return _("Stops sales for good. There are no bookings to refund.")
    return _(
        "Stops sales for good, refunds {bookings} ({money} including fees) and sends these "
        "messages. This cannot be undone.",
        bookings=bookings(progress.waiting),
        money=rupees(progress.refundable_paise),
    )


def _sent(notice: SentNotice, zone: str) -> SentCard:
    count = bookings(notice.bookings)
    count = count if notice.is_written else _("{bookings} so far", bookings=count)
    text = " · ".join(filter(None, (*notice.changes.splitlines(), notice.words)))
    return SentCard(
        title=f"{_(_TITLES[notice.kind])} · {when(notice.at, zone)} · {notice.actor}",
        text=text,
        progress=_(
            "{bookings}. Messages: {sent} sent, {waiting} waiting, {failed} not delivered.",
            bookings=count,
            sent=format_number(notice.sent),
            waiting=format_number(notice.waiting),
            failed=format_number(notice.failed),
        ),
        is_troubled=notice.failed > 0,
    )
