"""The check-in of one event: who may open it; scans go to the API."""

from __future__ import annotations

import reflex as rx

from surge_app.container import current
from surge_app.errors import NotFound
from surge_app.state import session, view_models


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
        operator = await session.operator(self)
        if operator is None:
            self.phase = "signed_out"
            return
        try:
            found = await current().check_in.counts(session.path_param(self, 2))
        except NotFound:
            self.phase = "missing"
            return
        self.slug, self.name = found.slug, found.name
        self.where_when = f"{view_models.when(found.starts_at, found.time_zone)} · {found.venue}"
        self.is_organizer = operator.is_organizer
        self.phase = "ready"
