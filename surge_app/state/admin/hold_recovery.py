"""Holds of one sale that ended without tickets: who had them, and another chance for them."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import NotFound, SurgeError
from surge_app.formatting import rupees
from surge_app.services.checkout.views import IntentView, ListedIntent
from surge_app.state import session, view_models
from surge_app.state.admin.common import ListState, as_text, wait_text

_STATUSES = ("expired", "released", "held", "paying")
_PAGE = 50


@dataclass(frozen=True)
class HoldRow:
    """A hold, as text; contact is empty if none was given."""

    id: str = ""
    who: str = ""
    email: str = ""
    phone: str = ""
    what: str = ""
    when: str = ""
    can_revive: bool = False


class HoldRecoveryState(ListState, rx.State):
    """What one organizer looks through.

    Attributes:
        phase: loading, ready, signed_out or missing.
        status: Which holds are listed.
    """

    slug: str = ""
    zone: str = "Asia/Kolkata"
    status: str = "expired"
    holds: list[HoldRow] = []
    done: str = ""
    problem: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the holds that ran out last."""
        self.reset()
        await self._find(before=None)

    @rx.event
    async def narrow(self, status: object) -> None:
        """Show holds that ended one way or another, or that are running."""
        chosen = as_text(status)
        self.status = chosen if chosen in _STATUSES else "expired"
        self.done = self.problem = ""
        await self._find(before=None)

    @rx.event
    async def revive(self, intent_id: object) -> None:
        """Hold the same tickets again for the same person."""
        admin = await self._organizer()
        if admin is None:
            return
        self.done = self.problem = ""
        try:
            revived = await current().revivals.revive(as_text(intent_id), actor=admin)
        except SurgeError as error:
            self.problem = error.message
        else:
            self.done = _revived(revived)
        await self._find(before=None)

    async def _find(self, *, before: str | None) -> None:
        self.slug = session.path_param(self, 2)
        if await self._organizer() is None:
            return
        try:
            page = await current().revivals.listed(
                self.slug, status=self.status, before=before, limit=_PAGE
            )
            self.zone = (await current().organizer.settings(self.slug)).time_zone
        except NotFound:
            self.phase = "missing"
            return
        except SurgeError as error:
            self.problem = error.message
            return
        rows = [_row(one, self.zone) for one in page.intents]
        self.holds = [*self.holds, *rows] if before else rows
        self.next_before = page.next_before or ""
        self.phase = "ready"


def _row(one: ListedIntent, zone: str) -> HoldRow:
    lines = ", ".join(f"{line.quantity} × {line.tier_name}" for line in one.lines)
    began = f"held {view_models.when(one.created_at, zone)}"
    ended = f", ended {view_models.when(one.ended_at, zone)}" if one.ended_at else ""
    paying = " · payment had started" if one.order_id else ""
    return HoldRow(
        id=one.id,
        who=one.name or "No contact given",
        email=one.email,
        phone=one.phone,
        what=f"{lines} · {rupees(one.total_paise)}",
        when=f"{began}{ended}{paying}",
        can_revive=one.ended_at is not None,
    )


def _revived(view: IntentView) -> str:
    who = view.name or "the visitor"
    return (
        f"Held again for {who}, for {wait_text(view.remaining_seconds)}. "
        "They go on where they were, "
        "in the same browser; tell them, as nothing is sent by itself."
    )
