"""Who buys: parsing what people type into name, email and phone."""

from __future__ import annotations

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from surge_app.errors import InvalidContact
from surge_app.services.views import Contact

_HOME_REGION = "IN"
_LONGEST_NAME = 100
_MOBILE = {
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
}


class Contacts:
    """Checks and normalizes contact details. Keeps no state and asks no server."""

    def check(self, *, name: object, email: object, phone: object) -> Contact:
        """Parse all three fields.

        Args:
            name: As typed; inner whitespace is collapsed.
            email: As typed; the domain is lower-cased.
            phone: As typed; `98765 43210`, `098…`, `+91…` and foreign `+…` are understood.

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
            try:
                parsed[field] = parse(typed[field])
            except ValueError as error:
                problems[field] = str(error)
        if problems:
            raise InvalidContact(problems)
        return Contact(**parsed)

    def check_field(self, field: str, value: object) -> str:
        """Return what is wrong with one field, or an empty string."""
        parse = {"name": _name, "email": _email, "phone": _phone}.get(field)
        if parse is None:
            return ""
        try:
            parse(value)
        except ValueError as error:
            return str(error)
        return ""


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
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        msg = "Your booking reference is sent to your mobile number."
        raise ValueError(msg)
    msg = "This does not look like a mobile number, such as 98765 43210 or +44 7400 123456."
    if not text.isascii():
        raise ValueError(msg)
    try:
        number = phonenumbers.parse(text, _HOME_REGION)
    except phonenumbers.NumberParseException as error:
        raise ValueError(msg) from error
    is_mobile = phonenumbers.number_type(number) in _MOBILE
    if number.extension or not phonenumbers.is_valid_number(number) or not is_mobile:
        raise ValueError(msg)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
