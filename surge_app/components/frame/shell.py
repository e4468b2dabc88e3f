"""The frame of every page: head, bar, column, footer."""

from __future__ import annotations

from typing import Any, Literal

import reflex as rx
from reflex_components_core.el.element import Element

from surge_app.components.controls import link
from surge_app.components.scripts.language import chosen_language, switch
from surge_app.components.text import gettext as _
from surge_app.services.events.site_texts import SITE_PAGES

_PAGES = ("/pages.css", "/events.css", "/queue.css", "/admin.css")
STYLESHEETS = ("/surge.css", "/controls.css", *_PAGES)
_WIDTHS = {"wide": "wide", "split": "wide reading"}
# Chrome 98, Firefox 94 and Safari 15.4. It runs where no other script does, so it is plain.
_NOTE_OLD_BROWSER = (
    "if(!([].at&&Object.hasOwn&&window.structuredClone))"
    'document.documentElement.className+=" outdated"'
)
_FIRST_FACES = (
    "/fonts/bricolage-grotesque-latin-wght-normal.woff2",
    "/fonts/inter-latin-wght-normal.woff2",
)


def head() -> list[rx.Component]:
    """Return the elements of the head of every page."""
    return [
        rx.el.script(custom_attrs={"dangerouslySetInnerHTML": {"__html": _NOTE_OLD_BROWSER}}),
        chosen_language(),
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.link(rel="apple-touch-icon", href="/icons/apple-touch-icon.png"),
        rx.el.link(rel="manifest", href="/manifest.webmanifest"),
        _theme_color("#faf8f4", "light"),
        _theme_color("#121017", "dark"),
        *(
            # `as` and `crossorigin` must match the request of the stylesheet, or the face
            # would be fetched twice.
            rx.el.link(
                rel="preload",
                href=face,
                type="font/woff2",
                custom_attrs={"as": "font", "crossOrigin": "anonymous"},
            )
            for face in _FIRST_FACES
        ),
    ]


def _theme_color(color: str, scheme: str) -> rx.Component:
    # Given as a property, `media` would become a style.
    media = {"media": f"(prefers-color-scheme: {scheme})"}
    return rx.el.meta(name="theme-color", content=color, custom_attrs=media)


def brand(href: str = "/events") -> rx.Component:
    """Create the logo, which links to the list of events."""
    return rx.el.a(
        rx.el.span(class_name="mark", aria_hidden=True),
        "surge",
        href=href,
        class_name="brand",
        aria_label=_("Surge, all events"),
    )


def page(
    *children: Any,
    aside: rx.Component | None = None,
    width: Literal["narrow", "wide", "split"] = "narrow",
    stuck: bool = False,
) -> rx.Component:
    """Create a page for visitors: bar, content, footer.

    Args:
        *children: The content.
        aside: Shown at the end of the bar, instead of the languages.
        width: One column as on a phone, room for lists, or for `layout.split`.
        stuck: Keep the bar in view while scrolling.
    """
    size = "" if width == "narrow" else f" {_WIDTHS[width]}"
    return rx.el.div(
        rx.el.header(
            brand(), aside or switch(), class_name=f"bar{size}{' stuck' if stuck else ''}"
        ),
        rx.el.main(*children, id="main", tab_index=-1, class_name=f"column{size}"),
        foot(has_switch=aside is not None),
        class_name="page",
    )


def foot(*, has_switch: bool = False) -> rx.Component:
    """Create the foot of a page: the way to a booking, and to the pages about the shop.

    Args:
        has_switch: Whether the languages stand here, because the bar has no room.
    """
    return rx.el.footer(
        rx.el.p(_("Tickets by Surge.")),
        rx.el.nav(
            rx.el.a(_("Find my booking"), href="/bookings/find"),
            *(link(_(title), href=f"/{name}") for name, title in SITE_PAGES.items()),
            aria_label=_("About"),
        ),
        switch() if has_switch else rx.fragment(),
        class_name="foot",
    )


def plain_form(*children: Any, action: str, method: str = "post", **props: Any) -> rx.Component:
    """Create a form that the browser sends without a script."""
    return _PlainForm.create(*children, custom_attrs={"action": action, "method": method}, **props)


class _PlainForm(Element):
    """A form that the browser submits; `rx.el.form` always prevents that."""

    tag = "form"


def fallback() -> rx.Component:
    """Create the page shown until the first script runs, and where no script can."""
    return rx.el.div(
        rx.el.div(brand(), class_name="bar"),
        rx.el.div(
            rx.el.p(
                _(
                    "This browser is too old for this page. Please open the address in a current "
                    "Chrome, Firefox or Safari. A position or tickets you have already are safe."
                )
            ),
            rx.el.a(_("All events"), href="/events", class_name="button"),
            class_name="too-old stack",
        ),
        rx.el.noscript(
            rx.el.p(
                _(
                    "This page needs JavaScript. Please switch it on and load the page again. "
                    "Without it you can't join a queue. A position or tickets you have already "
                    "are safe."
                )
            ),
            rx.el.a(_("All events"), href="/events", class_name="button"),
        ),
        class_name="page",
    )
