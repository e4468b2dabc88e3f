"""Look up sentences in the catalogue of the current language."""

from __future__ import annotations

import re

from babel.numbers import format_decimal

from surge_app.languages.catalogue import CONTEXT, catalogue
from surge_app.languages.choice import NUMBERS, current

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def N_(message: str) -> str:  # noqa: N802  the name that gettext's tools know
    """Mark a text for the catalogue; it is translated where it is shown."""
    return message


def A_(message: str) -> str:  # noqa: N802  beside `N_`
    """Mark a text that only organizers read, in a file that attendees' texts stand in as well."""
    return message


def gettext(message: str, **values: object) -> str:
    """Return a sentence in the current language, its `{names}` filled in."""
    return _filled(_found(message, message), values)


def pgettext(context: str, message: str, **values: object) -> str:
    """Return a sentence whose English is the same as another's, told apart by its context."""
    return _filled(_found(f"{context}{CONTEXT}{message}", message), values)


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """Return the form of a sentence for a number; `{count}` is the number, grouped."""
    known = catalogue(current().tag)
    if forms := known.texts.get(one):
        form = forms[min(known.plural(number), len(forms) - 1)]
    else:
        form = one if number == 1 else many
    return _filled(form, {"count": format_decimal(number, locale=NUMBERS), **values})


def _found(key: str, message: str) -> str:
    forms = catalogue(current().tag).texts.get(key)
    return forms[0] if forms else message


def _filled(text: str, values: dict[str, object]) -> str:
    # Not `str.format`: a translation must not reach into an object.
    if not values:
        return text
    # Read from the right, a name, a number or an address keeps its own order.
    form = "\u2068{}\u2069" if current().direction == "rtl" else "{}"
    return _PLACEHOLDER.sub(
        lambda found: form.format(values[found[1]]) if found[1] in values else found[0], text
    )
