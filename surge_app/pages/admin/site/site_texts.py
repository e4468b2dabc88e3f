"""The texts of the pages about the shop."""

from __future__ import annotations

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button
from surge_app.components.frame import admin_layout
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import form_key, hidden, outcome, page_of, waiting
from surge_app.state.admin.site.site_texts import SiteTextsState, TextForm


def page() -> rx.Component:
    """Build the page."""
    return page_of(
        SiteTextsState,
        waiting("6rem", ("320px",), ("320px",)),
        ("ready", _texts()),
        current="texts",
    )


def _texts() -> rx.Component:
    return rx.fragment(
        rx.el.h1(_("Texts")),
        rx.el.p(
            _(
                "These pages are linked from the foot of every page. State who sells and where, "
                "and name your grievance officer in Terms and Privacy: the law in India asks for "
                "both. A line that begins with # is a heading, one that begins with - an item of "
                "a list."
            ),
            class_name="muted",
        ),
        rx.foreach(SiteTextsState.texts, _text),
    )


def _text(one: TextForm) -> rx.Component:
    return layout.card(
        rx.el.div(
            rx.el.h2(one.title),
            controls.link(f"/{one.name}", href=f"/{one.name}", class_name="link"),
            class_name="row apart",
        ),
        admin_layout.form(
            form_key(SiteTextsState),
            hidden("name", one.name),
            hidden("was_body", one.body),
            rx.el.textarea(
                name="body",
                default_value=one.body,
                aria_label=one.title,
                rows="12",
                class_name="input",
            ),
            rx.el.p(one.note, class_name="muted small"),
            rx.el.div(button(_("Save"), type="submit"), class_name="row"),
            on_submit=SiteTextsState.save,
        ),
        rx.cond(SiteTextsState.saved == one.name, outcome(SiteTextsState)),
        key=one.name,
    )
