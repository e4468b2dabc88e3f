"""The HTML that the edge writes itself."""

# Jinja types its environment only in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from surge_app.formatting import day, month, price, prices, when
from surge_app.languages import SUPPORTED, current, gettext
from surge_app.services.events.site_texts import SITE_PAGES


def render(template: str, **context: Any) -> str:
    """Return a template's HTML in the current language; every value in it is escaped."""
    return _templates().get_template(template).render(**context)


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("surge_app.edge.pages", "templates"),
        # Files replaced under a running worker must not meet code that is older than they are.
        auto_reload=False,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(when=when, price=price, day=day, month=month)
    templates.globals.update(
        prices=prices, site_pages=SITE_PAGES, _=gettext, language=current, languages=SUPPORTED
    )
    return templates
