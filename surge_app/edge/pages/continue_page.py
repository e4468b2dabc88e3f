"""The page that takes a place over from another device, by a link or a typed code.

Opening it changes nothing, as messengers open links for a preview; only the press does.
"""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from surge_app import container
from surge_app.edge.http import NO_STORE
from surge_app.edge.pages.rendering import render
from surge_app.languages import gettext as _


async def continue_page(slug: str) -> Response:
    """Return the page of an event; raises NotFound."""
    event = await container.current().catalog.event(slug)
    title = _("Continue on this device")
    html = render("continue.html", title=title, event=event, refresh_seconds=0)
    return HTMLResponse(html, headers=dict([NO_STORE, ("x-robots-tag", "noindex")]))
