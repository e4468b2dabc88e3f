"""Parse and normalize the name, email and phone of a buyer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from surge_app.errors import InvalidContact
from surge_app.languages import N_, gettext as _
from surge_app.services.checkout.views import Contact

ATTENDEES = "attendees."
"""How the fields with names of attendees begin: `attendees.{tier_id}.{number}`."""
_HOME_REGION = "IN"
_MAX_NAME_LENGTH = 100
# Scripts such as Malayalam, Marathi and Persian need them inside words.
_JOINERS = "\u200c\u200d"
# Most often a field was mistaken for another; whatever else looks like a link, `unlinked` breaks.
_ADDRESS = re.compile(r"://|www\.|@|\w\.[a-z]{2,}/", re.IGNORECASE)
# Every dot that a browser takes for one in a domain, and those that look like it.
_JOINING_DOT = re.compile(r"[.\u3002\uff0e\uff61\u2024\ufe52\u2025\u2026](?![\s.,)'\u2019-])")
_AT = re.compile(r"\s*[@\uff20\ufe6b]\s*")
_SCHEME = re.compile(r"\s*[:\uff1a\ufe55]?\s*(?:[/\uff0f\u2044\\]\s*){2,}")
_JOINING_COLON = re.compile(r"[:\uff1a\ufe55](?!\s)")
# Phones offer to call what has as many digits as a number.
_MAX_DIGITS = 5
_NAMED_EMAIL = re.compile(
    r"(?:[^<>]*<)?(?:mailto:([^<>\s?]+)(?:\?[^<>\s]*)?|([^<>\s]+))>?", re.IGNORECASE
)
# Letters without ink: a name of these alone would look empty.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
# Marks that choose a glyph, as keyboards with pictures add them: letters of no address or number.
_SELECTORS = re.compile("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Spaces of any kind around an address, and what stood beside it in a list or a sentence.
_QUOTES = "'\"\u2018\u2019\u201c\u201d\u00ab\u00bb"
_AROUND = f" \t\r\n\u00a0\u2028\u2029.,;:{_QUOTES}"
_AROUND_EMAIL = f"{_AROUND}()!?/"
_PHONE_LABEL = re.compile(r"^(?:tel|ph|phone|mob|mobile|cell|whatsapp)\b[\s.:]*")
# The library would read letters as on a keypad: 98765 HELLO would be a stranger's number.
_PHONE = re.compile(r"\+?[0-9 ()./-]+")
_MOBILE = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}


class Contacts:
    """Checks and normalizes contact details. Keeps no state and asks no server."""

    def check(
        self,
        *,
        name: object,
        email: object,
        phone: object,
        attendees: Mapping[str, Sequence[str]] | None = None,
        may_lack_address: bool = False,
    ) -> Contact:
        """Parse all fields; returns the normalized contact, the phone as E.164.

        Args:
            name: As typed; inner whitespace is collapsed.
            email: As typed; the domain is lower-cased.
            phone: As typed; `98765 43210`, `098…`, `+91…` and foreign `+…` are understood.
            attendees: Names as typed, by tier id; missing names are accepted.
            may_lack_address: Email and phone may be left empty, as by a buyer at the counter.

        Raises:
            InvalidContact: With one sentence for each field that needs another look.
        """
        parsers = {"name": _name, "email": _email, "phone": _phone}
        typed = {"name": name, "email": email, "phone": phone}
        parsed: dict[str, str] = {}
        problems: dict[str, str] = {}
        for field, parse in parsers.items():
            if may_lack_address and field != "name" and typed[field] in {"", None}:
                parsed[field] = ""
                continue
            try:
                parsed[field] = parse(typed[field])
            except ValueError as error:
                problems[field] = str(error)
        coming: list[tuple[str, tuple[str, ...]]] = []
        for tier_id, typed_names in (attendees or {}).items():
            names = [
                self._attendee(typed, problems, f"{tier_id}.{n}")
                for n, typed in enumerate(typed_names)
            ]
            coming.append((tier_id, tuple(names)))
        if problems:
            raise InvalidContact(problems)
        return Contact(**parsed, attendees=tuple(coming))

    def read_field(self, field: str, value: object) -> str:
        """Return `email` or `phone` normalized; raises ValueError with the sentence that helps."""
        return {"email": _email, "phone": _phone}[field](value)

    def check_field(self, field: str, value: object) -> str:
        """Return what is wrong with one field, or an empty string."""
        parse = {"name": _name, "email": _email, "phone": _phone}.get(field)
        if field.startswith(ATTENDEES):
            parse = _name
        if parse is None:
            return ""
        try:
            parse(value)
        except ValueError as error:
            return str(error)
        return ""

    def _attendee(self, typed: str, problems: dict[str, str], field: str) -> str:
        if not typed.strip():
            return ""
        try:
            return _name(typed)
        except ValueError as error:
            problems[f"{ATTENDEES}{field}"] = str(error)
            return ""


def ascii_address(email: str) -> str:
    """Return an address with its domain in punycode, as mail providers require."""
    if email.isascii():
        return email
    name = email.rpartition("@")[0]
    try:
        # The codec of Python would write another domain: fass.de for faß.de.
        return f"{name}@{validate_email(email, check_deliverability=False).ascii_domain}"
    except EmailNotValidError:
        return email


def unlinked(name: str) -> str:
    """Return a name in which no mail program finds a link, nor a phone a number to call.

    Anyone may type anyone's address, and a name in a message comes from our own sender. `evil.dev`
    becomes `evil. dev`, whatever the domain, and `J.R.Tolkien` the better `J. R. Tolkien`.
    """
    text = _SCHEME.sub(" ", _AT.sub(" (at) ", name))
    text = _JOINING_COLON.sub(r"\g<0> ", _JOINING_DOT.sub(r"\g<0> ", text))
    if sum(letter.isdecimal() for letter in text) > _MAX_DIGITS:
        text = "".join("*" if letter.isdecimal() else letter for letter in text)
    return " ".join(text.split())


def missing_attendees(contact: Contact, quantities: Mapping[str, int]) -> dict[str, str]:
    """Return a sentence for each ticket that still lacks its attendee's name.

    Args:
        quantities: How many tickets there are of each tier, by its id.
    """
    coming = dict(contact.attendees)
    return {
        f"{ATTENDEES}{tier_id}.{number}": N_("Enter the name of the person using this ticket.")
        for tier_id, quantity in quantities.items()
        for number in range(quantity)
        if not "".join(coming.get(tier_id, ())[number : number + 1])
    }


def _name(value: object) -> str:
    text = " ".join(_visible(value, keep=_JOINERS).split()) if isinstance(value, str) else ""
    if not text.strip(_JOINERS):
        raise ValueError(_("Enter your name."))
    if len(text) > _MAX_NAME_LENGTH:
        raise ValueError(_("Enter a name of at most {count} letters.", count=_MAX_NAME_LENGTH))
    if not all(letter.isprintable() or letter in _JOINERS for letter in text):
        raise ValueError(_("Remove the control characters from the name."))
    if _ADDRESS.search(unicodedata.normalize("NFKC", text).replace("。", ".")):
        raise ValueError(_("Enter a name without web or email addresses."))
    return text


def _email(value: object) -> str:
    typed = _SELECTORS.sub("", value) if isinstance(value, str) else ""
    text = _visible(typed).strip(_AROUND_EMAIL).replace("＠", "@")
    if match := _NAMED_EMAIL.fullmatch(text):
        text = (match[1] or match[2]).strip(_AROUND_EMAIL)
    if not text:
        raise ValueError(_("Enter your email. We'll send your tickets there."))
    try:
        # Whether the domain takes mail is not asked: that would be a network call in a sale.
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(_("Enter an email address like asha@example.com.")) from error


def _phone(value: object) -> str:
    text = _plain(value).strip(_AROUND) if isinstance(value, str) else ""
    text = _PHONE_LABEL.sub("", text.lower(), count=1).replace("(+", "+(")
    if not text:
        raise ValueError(_("Enter your mobile number. We'll text you the booking reference."))
    msg = _("Enter a mobile number like 98765 43210, or +44 7400 123456 from abroad.")
    if not _PHONE.fullmatch(text):
        raise ValueError(msg)
    try:
        number = phonenumbers.parse(text, _HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise ValueError(msg) from error
    is_mobile = phonenumbers.number_type(number) in _MOBILE
    if number.extension or not phonenumbers.is_valid_number(number) or not is_mobile:
        raise ValueError(msg)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _plain(text: str) -> str:
    """Write a number in ASCII: digits of any script, spaces and dashes; drop invisible marks."""
    kinds = {"Zs": " ", "Pd": "-", "Cf": ""}
    # The wide signs of East Asian keyboards, a minus for a hyphen, and tabs of a spreadsheet.
    text = unicodedata.normalize("NFKC", _SELECTORS.sub("", text))
    text = text.replace("−", "-").replace("\t", " ")
    return "".join(
        str(unicodedata.decimal(letter))
        if letter.isdecimal()
        else kinds.get(unicodedata.category(letter), letter)
        for letter in text
    )


def _visible(text: str, *, keep: str = "") -> str:
    """Return a text in NFC without invisible marks."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        letter
        for letter in composed
        if letter in keep or not (letter in _BLANK or unicodedata.category(letter) == "Cf")
    )
