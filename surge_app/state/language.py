"""The language of what handlers say: one for each event of a live connection."""

from __future__ import annotations

import reflex as rx
from reflex.app import App
from reflex.event import Event
from reflex.middleware.middleware import Middleware
from reflex.state import BaseState, StateUpdate

from surge_app.languages import set_current
from surge_app.state import session


class VisitorLanguage(Middleware):
    """Lets each handler run in the language of its page; every event is a task of its own."""

    async def preprocess(  # Reflex passes these by name.
        self,
        app: App,  # noqa: ARG002
        state: BaseState,
        event: Event,  # noqa: ARG002
    ) -> StateUpdate | None:
        """Set the language of the task that runs the handler."""
        if isinstance(state, rx.State):
            set_current(session.language(state))
        return None
