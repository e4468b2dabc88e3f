"""The sentences of Surge in each language; English sentences are the keys of every catalogue.

A public response that caches may store takes its language from `?lang=` alone, so that one address
has one content. Any other response takes it from `negotiate`.

    from surge_app.languages import N_, gettext as _, ngettext

    _("Hold {tickets}", tickets=ngettext("{count} ticket", "{count} tickets", 2))

`N_` marks a text that a class or a table holds; pass it to `gettext` where it is shown. `A_` marks
one that only organizers read.
"""

from __future__ import annotations

from surge_app.languages.choice import (
    COOKIE,
    DEFAULT,
    MAX_AGE_SECONDS,
    NUMBERS,
    QUERY,
    SUPPORTED,
    Language,
    chosen,
    current,
    language_of,
    languages,
    negotiate,
    offer_pseudo_languages,
    set_current,
    use,
)
from surge_app.languages.texts import A_, N_, gettext, ngettext, pgettext

__all__ = [
    "A_",
    "COOKIE",
    "DEFAULT",
    "MAX_AGE_SECONDS",
    "NUMBERS",
    "N_",
    "QUERY",
    "SUPPORTED",
    "Language",
    "chosen",
    "current",
    "gettext",
    "language_of",
    "languages",
    "negotiate",
    "ngettext",
    "offer_pseudo_languages",
    "pgettext",
    "set_current",
    "use",
]
