"""`/api/admin/texts`: the pages about the shop."""

from __future__ import annotations

from pydantic import Field

from surge_app.api.admin.router import admin_router
from surge_app.api.dependencies import OrganizerName, Services
from surge_app.api.schemas import StrictBody
from surge_app.services.events.site_texts import LONGEST_TEXT, SitePage

router = admin_router("/texts")


class TextIn(StrictBody):
    """The text of a page, and the one it replaces; an empty one brings back the default."""

    body: str = Field(max_length=LONGEST_TEXT)
    was: str | None = Field(None, max_length=LONGEST_TEXT)


@router.get("")
async def list_texts(services: Services) -> list[SitePage]:
    """Return the pages about the shop: help, refunds, privacy and terms."""
    return await services.site_texts.pages()


@router.put("/{name}", status_code=204)
async def save_text(name: str, user: OrganizerName, body: TextIn, services: Services) -> None:
    """Rewrite a page; 409 `changed_meanwhile` if `was` is not the last text."""
    await services.site_texts.save(name, body.body, actor=user, expected=body.was)
