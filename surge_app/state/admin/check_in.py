"""The check-in of one event; scans go to the API."""

from __future__ import annotations

import reflex as rx

from surge_app.container import current
from surge_app.errors import NotFound
from surge_app.state import session
from surge_app.state.admin.events import where_when


class CheckInState(rx.State):
    """The event tickets are checked for.

    Attributes:
        phase: loading, ready, signed_out or missing.
    """

    phase: str = "loading"
    slug: str = ""
    name: str = ""
    where_when: str = ""
    is_organizer: bool = False

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
        self.is_organizer = user.is_organizer
        self.phase = "ready"
