"""The texts of all SMS: named, with declared variables, the English ones in GSM 03.38.

One letter outside that alphabet, such as ₹, triples the length of a message, so none gets into an
English one; other languages are sent as Unicode. Networks in India carry only registered texts
(DLT): `template_errors` compares ours with the registered ones before a sale.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from surge_app.errors import ConfigurationError
from surge_app.languages import A_, N_, SUPPORTED, current, gettext as _, use
from surge_app.settings import Settings

TEXTS: Mapping[str, str] = {
    "confirmation": N_("{ref} is confirmed: {event}, {when}. Paid {amount}. {link}"),
    "confirmation_free": N_("{ref} is confirmed: {event}, {when}. {link}"),
    "contact_changed": N_(
        "Messages about booking {ref} now go to another number. If you did not ask for this, "
        "contact the organizer: {link}"
    ),
    "event_changed": N_(
        "{event} has changed. It now takes place {when}, {venue}. Booking {ref}: {link}"
    ),
    "event_cancelled": N_(
        "{event}, {when}, is cancelled. {amount} of booking {ref} goes back to you within 7 "
        "working days. {link}"
    ),
    "event_cancelled_free": N_("{event}, {when}, is cancelled. Booking {ref}: {link}"),
    "late_payment": N_(
        "We could not book tickets for {event} with your payment. {amount} goes back to you "
        "within 7 working days."
    ),
    "refunded_extra": N_(
        "Your second payment of {amount} for booking {ref} ({event}) goes back to you within 7 "
        "working days. Your tickets stay valid."
    ),
    "refunded_goodwill": N_(
        "{amount} of booking {ref} for {event} goes back to you within 7 working days. Your "
        "tickets stay valid."
    ),
    "refunded_some": N_(
        "Some tickets of booking {ref} for {event} are cancelled. {amount} goes back to you "
        "within 7 working days. Your other tickets stay valid."
    ),
    "refunded_some_free": N_(
        "Some tickets of booking {ref} for {event} are cancelled. Your other tickets stay valid."
    ),
    "refunded_whole": N_(
        "Booking {ref} for {event} is cancelled. {amount} goes back to you within 7 working days."
    ),
    "refunded_whole_free": N_(
        "Booking {ref} for {event} is cancelled. The tickets are no longer valid."
    ),
}
"""By name; the variables are ref, event, when, venue, amount and link."""

_MAX_EVENT, _MIN_CUT = 30, 20
_TOKEN_LENGTH = 16
_ONE_SEGMENT, _EACH_OF_SEVERAL = 160, 153
_ONE_UNICODE, _EACH_OF_UNICODE = 70, 67
_ENGLISH = "en"
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_INSTEAD = str.maketrans(
    {"₹": "Rs ", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-",
     "\u2014": "-", "\u2026": "...", "\u00a0": " ", "[": "(", "]": ")", "{": "(", "}": ")",
     "·": "-", "×": "x"}
)  # fmt: skip
_VARIABLE = re.compile(r"\\{\\#(\w+)\\#\\}")
_SAMPLE = {
    "ref": "SRG-ABCD2345",
    "event": "Monsoon Beats, Goa",
    "when": "6 Mar 2027, 7:00 pm",
    "amount": "Rs 12,525",
    "venue": "The old mill, Panaji",
}


class SmsTemplate(BaseModel):
    """A text as it is registered, variables written `{#var#}`, and the id it got."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    text: str


def template_name(name: str, tag: str) -> str:
    """Return under which name a text is registered: `confirmation`, `confirmation.hi`."""
    return name if tag == _ENGLISH else f"{name}.{tag}"


def render_sms(name: str, *, event: str, slug: str = "", venue: str = "", **values: str) -> str:
    """Return the SMS of a name in the current language.

    Args:
        name: Of `TEXTS`.
        event: The event's name in any script, shortened.
        slug: Stands for a name that the alphabet cannot write.
        venue: As `event`; the link stands for one that the alphabet cannot write.
        **values: The other variables of the text; of an English one in ASCII.
    """
    shown = _shown if current().tag == _ENGLISH else _cut
    from_slug = slug.replace("-", " ").title()[:_MAX_EVENT].rstrip() or _("your event")
    event, venue = shown(event) or from_slug, shown(venue) or _("see the link")
    return _(TEXTS[name], event=event, venue=venue, **values)


def segments(text: str) -> int:
    """Return how many segments an SMS is billed as, in GSM 03.38 or in Unicode (UCS-2)."""
    if set(text) <= _BASIC:
        length, one, each = len(text), _ONE_SEGMENT, _EACH_OF_SEVERAL
    else:
        length, one, each = len(text.encode("utf-16-le")) // 2, _ONE_UNICODE, _EACH_OF_UNICODE
    return 1 if length <= one else math.ceil(length / each)


def read_registered(path: Path) -> dict[str, SmsTemplate]:
    """Read the registered texts: a JSON object `{name: {"id": …, "text": …}}`.

    Raises:
        ConfigurationError: If the file cannot be read or says something else.
    """
    try:
        return TypeAdapter(dict[str, SmsTemplate]).validate_json(path.read_bytes())
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        msg = f"SURGE_DLT_TEMPLATES: {path} cannot be read as registered texts."
        raise ConfigurationError(msg) from error


def registered_names(settings: Settings) -> frozenset[str] | None:
    """Return the names of the registered texts; None if the operator names none.

    Raises:
        ConfigurationError: If the file cannot be read.
    """
    path = settings.dlt_templates
    return None if path is None else frozenset(read_registered(path))


def unregistered(settings: Settings) -> list[str]:
    """Return what is wrong between our texts and those the operator registered, if any were.

    Raises:
        ConfigurationError: If the file cannot be read.
    """
    if settings.dlt_templates is None:
        return []
    link = f"{settings.base_url}/bookings/{_SAMPLE['ref']}?token={'x' * _TOKEN_LENGTH}"
    return template_errors(read_registered(settings.dlt_templates), link=link)


def check_texts(settings: Settings) -> None:
    """Refuse to start a sale whose SMS no network in India would carry.

    Raises:
        ConfigurationError: In production, if a text differs from the registered one.
    """
    problems = unregistered(settings) if settings.is_production else []
    if problems:
        raise ConfigurationError(f"SURGE_DLT_TEMPLATES: {' '.join(problems)}")


def template_errors(registered: Mapping[str, SmsTemplate], *, link: str) -> list[str]:
    """Return what is wrong between our texts and the registered ones, a sentence each.

    A text that is not registered in another language is sent in English.

    Args:
        registered: By the names of `TEXTS`, as `template_name` writes them.
        link: As long as links of this install are.
    """
    ours = {template_name(name, tag): (name, tag) for tag in SUPPORTED for name in TEXTS}
    unknown = [
        _(A_("No SMS is named {name}."), name=name) for name in sorted(set(registered) - set(ours))
    ]
    missing = [
        _(A_("The SMS {name} is not registered."), name=name)
        for name in TEXTS
        if name not in registered
    ]
    other = [
        _(
            A_("The SMS {name} differs from the text registered as {id}."),
            name=key,
            id=registered[key].id,
        )
        for key, (name, tag) in ours.items()
        if key in registered and not _fits(name, tag, registered[key].text, link)
    ]
    return [*unknown, *missing, *other]


def sent_in_english(registered: Collection[str]) -> list[str]:
    """Return which texts buyers of another language get in English: `refunded.hi`, or `*.hi`."""
    names: list[str] = []
    for tag in SUPPORTED:
        missing = [name for name in TEXTS if template_name(name, tag) not in registered]
        if tag != _ENGLISH:
            is_all = len(missing) == len(TEXTS)
            names += [template_name(name, tag) for name in (["*"] if is_all else missing)]
    return names


def _fits(name: str, tag: str, registered: str, link: str) -> bool:
    pattern = _VARIABLE.sub(_variable_pattern, re.escape(registered))
    with use(tag):
        return re.fullmatch(pattern, render_sms(name, **_SAMPLE, link=link)) is not None


def _variable_pattern(found: re.Match[str]) -> str:
    # A plain variable carries 30 characters; longer values are registered as several in a row.
    return r"\S{1,200}" if found[1].startswith("url") else ".{0,30}"


def _shown(original: str) -> str:
    plain = unicodedata.normalize("NFC", original).translate(_INSTEAD)
    letters = [letter if letter in _BASIC else _bare(letter) for letter in plain]
    name = _cut("".join(letters))
    is_readable = sum(map(str.isalnum, name)) * 2 >= min(_MAX_EVENT, sum(map(str.isalnum, plain)))
    return name if is_readable else ""


def _cut(original: str) -> str:
    """Shorten a name, between two words unless one of them is very long."""
    name = " ".join(original.split())
    words = name[: _MAX_EVENT + 1].rpartition(" ")[0]
    is_cut = len(name) > _MAX_EVENT and len(words) > _MIN_CUT
    return (words if is_cut else name[:_MAX_EVENT]).rstrip(" ,.-")


def _bare(letter: str) -> str:
    return "".join(part for part in unicodedata.normalize("NFKD", letter) if part in _BASIC)
