"""The check-in of one event; scans go to the API."""

from __future__ import annotations

from datetime import timedelta

import reflex as rx

from surge_app.clock import utc_now
from surge_app.container import current
from surge_app.errors import NotFound
from surge_app.languages import gettext as _, ngettext
from surge_app.services.bookings.check_in import CheckInCounts
from surge_app.state import session, view_models
from surge_app.state.admin.common import attention
from surge_app.state.admin.sale.events import where_when

_EARLY_DAYS = 1
_LATE_DAYS = 1


class CheckInState(rx.State):
    """The event tickets are checked for.

    Attributes:
        phase: loading, ready, signed_out or missing.
        warning: Why tickets may be checked in for the wrong day; empty on the right one.
    """

    phase: str = "loading"
    slug: str = ""
    name: str = ""
    where_when: str = ""
    warning: str = ""
    is_organizer: bool = False
    attention: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the event named by the address."""
        self.reset()
        user = await session.operator(self)
        if user is None:
            self.phase = "signed_out"
            return
        try:
            event = await current().check_in.counts(session.path_param(self, 2))
        except NotFound:
            self.phase = "missing"
            return
        self.slug, self.name = event.slug, event.name
        self.where_when = where_when(event.starts_at, event.time_zone, event.venue)
        self.warning = _warning(event)
        self.is_organizer = user.is_organizer
        self.attention = await attention() if user.is_organizer else ""
        self.phase = "ready"


def _warning(event: CheckInCounts) -> str:
    days = (event.starts_at - utc_now()) / timedelta(days=1)
    day = view_models.when(event.starts_at, event.time_zone)
    if days > _EARLY_DAYS:
        return _(
            "This event starts on {day}, in {distance}. A ticket you check in now counts as used.",
            day=day,
            distance=ngettext("{count} day", "{count} days", round(days)),
        )
    if days < -_LATE_DAYS:
        return _("This event was on {day}. Check that you chose the right event.", day=day)
    return ""
