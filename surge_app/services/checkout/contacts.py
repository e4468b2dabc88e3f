"""Who buys: parsing what people type into name, email and phone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from surge_app.errors import InvalidContact
from surge_app.services.checkout.views import Contact

ATTENDEES = "attendees."
"""How the fields with names of attendees begin: `attendees.{tier_id}.{number}`."""
_HOME_REGION = "IN"
_LONGEST_NAME = 100
# The library would read letters as on a keypad: 98765 HELLO would be somebody's number.
_PHONE = re.compile(r"\+?[0-9 ()./-]+")
_MOBILE = {
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
}


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
        """Parse all fields.

        Args:
            name: As typed; inner whitespace is collapsed.
            email: As typed; the domain is lower-cased.
            phone: As typed; `98765 43210`, `098…`, `+91…` and foreign `+…` are understood.
            attendees: Who comes, as typed, by tier id; whether names are missing is not asked.
            may_lack_address: Email and phone may be left empty, as by a buyer at the counter.

        Returns:
            The normalized contact, the phone as E.164.

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
        for tier_id, names in (attendees or {}).items():
            told = [
                self._attendee(typed, problems, f"{tier_id}.{n}") for n, typed in enumerate(names)
            ]
            coming.append((tier_id, tuple(told)))
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

    def _attendee(self, typed: str, problems: dict[str, str], place: str) -> str:
        if not typed.strip():
            return ""
        try:
            return _name(typed)
        except ValueError as error:
            problems[f"{ATTENDEES}{place}"] = str(error)
            return ""


def missing_attendees(contact: Contact, quantities: Mapping[str, int]) -> dict[str, str]:
    """Return a sentence for each ticket that still lacks the name of who comes.

    Args:
        contact: As checked.
        quantities: How many tickets there are of each tier, by its id.
    """
    coming = dict(contact.attendees)
    return {
        f"{ATTENDEES}{tier_id}.{number}": "Please say who comes with this ticket."
        for tier_id, quantity in quantities.items()
        for number in range(quantity)
        if not "".join(coming.get(tier_id, ())[number : number + 1])
    }


def _name(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text:
        msg = "Please tell us your name."
        raise ValueError(msg)
    if len(text) > _LONGEST_NAME or not text.isprintable():
        msg = f"Please use a name of at most {_LONGEST_NAME} letters."
        raise ValueError(msg)
    return text


def _email(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        msg = "Your tickets are sent to your email address."
        raise ValueError(msg)
    try:
        # Whether the domain takes mail is not asked: that would be a network call in a sale.
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        msg = "This does not look like an email address, such as asha@example.com."
        raise ValueError(msg) from error


def _phone(value: object) -> str:
    text = _plain(value).strip() if isinstance(value, str) else ""
    if not text:
        msg = "Your booking reference is sent to your mobile number."
        raise ValueError(msg)
    msg = "This does not look like a mobile number, such as 98765 43210 or +44 7400 123456."
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
    """Replace what a copied number brings along: marks of direction, other spaces and dashes."""
    kinds = {"Zs": " ", "Pd": "-", "Cf": ""}
    return "".join(kinds.get(unicodedata.category(letter), letter) for letter in text)
