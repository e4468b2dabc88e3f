"""The page that checks the log of a queue in the browser."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from surge_app import container
from surge_app.edge.pages.rendering import render
from surge_app.languages import DEFAULT, current, gettext as _, use
from surge_app.services.events.views import EventView
from surge_app.services.queue_log_sentences import EVENTS, PROBLEMS

_CACHEABLE = {"cache-control": "public, max-age=60"}


async def verify_page(slug: str, *, base_url: str) -> Response:
    """Return the page.

    Raises:
        NotFound: If there is no such event.
    """
    event = await container.current().catalog.event(slug)
    language = current()
    with use(language.tag if language.has_admin or language.is_pseudo else DEFAULT.tag):
        return HTMLResponse(_html(event, base_url), headers=_CACHEABLE)


def _html(event: EventView, base_url: str) -> str:
    sentences = {
        "problems": {code: _(text) for code, text in PROBLEMS.items()},
        "events": {code: _(text) for code, text in EVENTS.items()},
        # The page fills in what only it knows.
        "line": _("Line {line}", line="{line}"),
        "command": f"python -m surge_app verify-queue {base_url}/api/queue/{event.slug}/log",
    }
    return render(
        "verify.html",
        title=_("Is the order kept?"),
        event=event,
        sentences=sentences,
        refresh_seconds=0,
    )
