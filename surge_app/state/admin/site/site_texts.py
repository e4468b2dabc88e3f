"""The texts of the pages about the shop, as organizers write them."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.languages import gettext as _
from surge_app.services.events.site_texts import LONGEST_TEXT, SitePage
from surge_app.state.admin.common import AdminState, form_fields, organizer_action


@dataclass(frozen=True)
class TextForm:
    """One page; `note` says whether its text is ours."""

    name: str = ""
    title: str = ""
    body: str = ""
    note: str = ""


class SiteTextsState(AdminState, rx.State):
    """The texts an organizer edits; `saved` names the one whose form was sent last."""

    texts: list[TextForm] = []
    saved: str = ""

    @rx.event
    @organizer_action
    async def save(self, actor: str, form: dict[str, object]) -> str:
        """Store one text; an empty one brings back the default."""
        sent = form_fields(form, longest=LONGEST_TEXT + 1)
        name = self.saved = sent.get("name", "")
        await current().site_texts.save(
            name, sent.get("body", ""), actor=actor, expected=sent.get("was_body", "")
        )
        return _("Saved. Everyone sees it at /{name}.", name=name)

    async def _read(self) -> None:
        # The other forms keep the text that was typed on, so that each is compared with its own.
        shown = {one.name: one for one in self.texts if one.name != self.saved}
        pages = await current().site_texts.pages()
        self.texts = [shown.get(page.name) or _form(page) for page in pages]
        self.phase = "ready"


def _form(page: SitePage) -> TextForm:
    note = _("This is the default text.") if page.is_default else ""
    return TextForm(page.name, _(page.title), page.body, note)
