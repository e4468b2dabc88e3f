"""What can go wrong, in three branches by what to do next.

* `SurgeError`: tell the person. Its message is safe to show, its `code` is stable.
* `ConfigurationError`: tell the operator. One sentence, exit code 2, no traceback.
* anything else is a bug: it is logged with the request id and shown as a neutral sentence.

A class docstring is the default message, so no error can be raised without a sentence.
"""

from __future__ import annotations

from typing import ClassVar


class SurgeError(Exception):
    """Something went wrong. Please try again."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, message: str | None = None, **details: object) -> None:
        """Create the error.

        Args:
            message: A sentence a person may read; the class docstring if None.
            **details: Extra JSON members of the problem document (RFC 9457), such as
                `retry_after_seconds` or `fields`.
        """
        self.message = message or (self.__doc__ or "").strip().splitlines()[0]
        self.details = details
        super().__init__(self.message)

    def document(self) -> dict[str, object]:
        """Return the members of a problem document (RFC 9457); `title` is for people."""
        return {
            **self.details,
            "type": "about:blank",
            "title": self.message,
            "status": self.status,
            "code": self.code,
        }


class ConfigurationError(Exception):
    """The configuration does not work; the message names the setting and how to mend it."""


class NotFound(SurgeError):
    """There is nothing here under that name."""

    code = "not_found"
    status = 404


class InvalidRequest(SurgeError):
    """That request could not be understood."""

    code = "invalid_request"
    status = 422


class InvalidContact(SurgeError):
    """Please check your contact details."""

    code = "invalid_contact"
    status = 422

    def __init__(self, fields: dict[str, str]) -> None:
        """Create the error.

        Args:
            fields: One sentence for each field that needs another look, by field name.
        """
        super().__init__(fields=fields)
        self.fields = fields


class NotAdmitted(SurgeError):
    """It is not your turn yet. Please join the line first."""

    code = "not_admitted"
    status = 403


class SoldOut(SurgeError):
    """All tickets are sold."""

    code = "sold_out"
    status = 409


class AllHeld(SurgeError):
    """Every ticket that is left is being held by someone right now. Some may come back."""

    code = "all_held"
    status = 409


class NotEnoughLeft(SurgeError):
    """There are not that many tickets left."""

    code = "not_enough_left"
    status = 409


class NotEnoughAvailable(SurgeError):
    """Fewer units than that are free; the others are held or sold."""

    code = "not_enough_available"
    status = 409


class IntentExists(SurgeError):
    """You already hold tickets for this event."""

    code = "intent_exists"
    status = 409


class NotRestorable(SurgeError):
    """Only a hold that expired or was released can be revived."""

    code = "not_revivable"
    status = 409


class PersonLimit(SurgeError):
    """That is more tickets than one person may buy."""

    code = "person_limit"
    status = 409


class PriceChanged(SurgeError):
    """These tickets cost another amount than was to be taken."""

    code = "price_changed"
    status = 409


class QuantityNotAllowed(SurgeError):
    """That number of tickets cannot be booked in this category."""

    code = "quantity_not_allowed"
    status = 422


class NotOnSale(SurgeError):
    """Tickets for this event are not on sale right now."""

    code = "not_on_sale"
    status = 409


class IntentExpired(SurgeError):
    """Your tickets were held for 5 minutes and have gone back to the others."""

    code = "intent_expired"
    status = 410


class PaymentStarted(SurgeError):
    """The payment has started, so the tickets can no longer be changed."""

    code = "payment_started"
    status = 409


class PaymentBeingChecked(SurgeError):
    """Your payment is being checked. You will hear from us; please do not pay a second time."""

    code = "payment_being_checked"
    status = 409


class BadSignature(SurgeError):
    """That message was not signed by the payment provider."""

    code = "bad_signature"
    status = 400


class PayloadTooLarge(SurgeError):
    """That message is larger than this address accepts."""

    code = "payload_too_large"
    status = 413


class AddressTooLong(SurgeError):
    """That address is longer than Surge accepts. Please open the page from its own link."""

    code = "address_too_long"
    status = 414


class BodyTooSlow(SurgeError):
    """The request took too long to arrive. Nothing was changed; please try again."""

    code = "body_too_slow"
    status = 408


class RateLimited(SurgeError):
    """Too many requests. Please wait a moment."""

    code = "rate_limited"
    status = 429

    def __init__(self, retry_after_seconds: int) -> None:
        """Create the error.

        Args:
            retry_after_seconds: When the next request may succeed; also sent as `Retry-After`.
        """
        super().__init__(retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class ChallengeRequired(SurgeError):
    """One quick check before you join. Your browser does it by itself."""

    code = "challenge_required"
    status = 428

    def __init__(self, challenge: dict[str, object]) -> None:
        """Create the error.

        Args:
            challenge: The puzzle to solve, as ALTCHA's worker takes it.
        """
        super().__init__(challenge=challenge)


class Unauthorized(SurgeError):
    """Please sign in as an organizer."""

    code = "unauthorized"
    status = 401


class Forbidden(SurgeError):
    """Your account may check tickets in, and nothing else."""

    code = "forbidden"
    status = 403


class AccountTaken(SurgeError):
    """There is an account of that name."""

    code = "account_taken"
    status = 409


class EditConflict(SurgeError):
    """Somebody else acted on this booking a moment ago. Look at it again before you go on."""

    code = "changed_meanwhile"
    status = 409


class AlreadyResolved(SurgeError):
    """This does not wait any more; nothing was done."""

    code = "already_dealt_with"
    status = 409


class ForeignOrigin(SurgeError):
    """This request came from another site and was refused."""

    code = "foreign_origin"
    status = 403


class SlugTaken(SurgeError):
    """An event with this address exists already."""

    code = "slug_taken"
    status = 409


class AlreadyRefunded(SurgeError):
    """This booking is already refunded."""

    code = "already_refunded"
    status = 409


class NamesFixed(SurgeError):
    """The names on these tickets can no longer be changed."""

    code = "names_fixed"
    status = 409


class RefundNotStuck(SurgeError):
    """This refund is done, or still being tried; it needs nobody's help."""

    code = "refund_not_stuck"
    status = 409


class QueueUnavailable(SurgeError):
    """The waiting room is catching its breath. Your place is safe; please try again shortly."""

    code = "line_unavailable"
    status = 503
    retry_after_seconds: ClassVar[int] = 5


class Busy(SurgeError):
    """Very many people are buying at this moment. Nothing was lost; please try again."""

    code = "busy"
    status = 503


class Unavailable(SurgeError):
    """We cannot reach our records for a moment. What you have is safe; please try again."""

    code = "unavailable"
    status = 503
    retry_after_seconds: ClassVar[int] = 2


class GatewayUnavailable(SurgeError):
    """The payment provider does not answer right now. Nothing was charged; please try again."""

    code = "gateway_unavailable"
    status = 503


class PaymentsPaused(GatewayUnavailable):
    """Payments are pausing at the bank's side. Your tickets are safe and the clock is stopped."""

    def __init__(self, message: str | None = None, *, retry_after_seconds: int) -> None:
        """Create the error.

        Args:
            message: Another sentence, where the clock runs again.
            retry_after_seconds: When it is worth asking again; also sent as `Retry-After`.
        """
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds


class RehearsalNeedsSandbox(SurgeError):
    """A rehearsal needs the sandbox for payments, mail and SMS; live keys are configured here."""

    code = "rehearsal_needs_sandbox"
    status = 409


class RehearsalRuns(SurgeError):
    """A rehearsal is running already. Wait for its verdict, or stop it first."""

    code = "rehearsal_runs"
    status = 409
