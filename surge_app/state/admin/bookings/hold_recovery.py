"""Ticket holds of one sale, and holding the tickets of one that ended again."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.formatting import phone, rupees
from surge_app.languages import gettext as _, ngettext
from surge_app.services.checkout.views import ListedIntent
from surge_app.state import view_models
from surge_app.state.admin.common import (
    HOME_ZONE,
    ListState,
    as_text,
    form_fields,
    organizer_action,
)

_STATUSES = ("expired", "released", "held", "paying")
_PAGE = 50


@dataclass(frozen=True)
class HoldRow:
    """A hold, as text; contact is empty if none was given."""

    id: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    phone_text: str = ""
    tickets: str = ""
    when: str = ""
    can_restore: bool = False


class HoldRecoveryState(ListState, rx.State):
    """The holds an organizer looks through."""

    slug: str = ""
    event_name: str = ""
    zone: str = HOME_ZONE
    filters: dict[str, str] = {"status": _STATUSES[0]}
    holds: list[HoldRow] = []

    @rx.event
    @organizer_action
    async def restore(self, actor: str, form: dict[str, object]) -> str:
        """Hold the same tickets again for the same buyer, once."""
        view = await current().hold_recovery.restore(
            as_text(form_fields(form).get("id")), actor=actor
        )
        minutes = max(1, round(view.remaining_seconds / 60))
        return _(
            "Held again for {minutes}. Tell {buyer} to go back to the same browser; "
            "we do not message them.",
            minutes=ngettext("{count} minute", "{count} minutes", minutes),
            buyer=view.name or _("the buyer"),
        )

    async def _find(self, *, before: str | None) -> None:
        self.slug = self._subject()
        asked = self.filters["status"]
        status = asked if asked in _STATUSES else _STATUSES[0]
        page = await current().hold_recovery.list(
            self.slug, status=status, before=before, limit=_PAGE
        )
        event = await current().organizer.settings(self.slug)
        self.event_name, self.zone = event.name, event.time_zone
        is_on_sale = event.phase == "published"
        rows = [_row(one, self.zone, is_on_sale=is_on_sale) for one in page.intents]
        self.holds = [*self.holds, *rows] if before else rows
        self.next_before = page.next_before or ""
        self.phase = "ready"


def _row(one: ListedIntent, zone: str, *, is_on_sale: bool) -> HoldRow:
    lines = ", ".join(f"{line.quantity} × {line.tier_name}" for line in one.lines)
    parts = [
        _("held {moment}", moment=view_models.when(one.created_at, zone)),
        _("ended {moment}", moment=view_models.when(one.ended_at, zone)) if one.ended_at else "",
    ]
    paying = " · " + _("payment started") if one.order_id else ""
    return HoldRow(
        id=one.id,
        name=one.name or _("No contact given"),
        email=one.email,
        phone=one.phone,
        phone_text=phone(one.phone),
        tickets=f"{lines} · {rupees(one.total_paise)}",
        when=f"{', '.join(filter(None, parts))}{paying}",
        can_restore=is_on_sale and one.ended_at is not None,
    )
