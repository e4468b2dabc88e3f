"""Errors, in three branches by who acts on them.

* `SurgeError`: the visitor or organizer. `text` is safe to show, `code` is stable.
* `ConfigurationError`: the operator. One sentence, exit code 2, no traceback.
* any other exception is a bug: logged with the request id, shown as a neutral sentence.

Each `SurgeError` states cause, consequence and action in `message`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from surge_app.languages import N_, gettext


class SurgeError(Exception):
    """Base of every error that a visitor or an organizer may read.

    Attributes:
        details: Extra members of the problem document, such as `fields`.
        retry_after_seconds: When the next request may succeed; also sent as `Retry-After`.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    message: str = N_("Something went wrong. Nothing was changed. Please try again.")

    retry_after_seconds: int | None = None

    def __init_subclass__(cls, code: str | None = None, status: int | None = None) -> None:
        """Take the code of a kind of error and its HTTP status."""
        cls.code, cls.status = code or cls.code, status or cls.status

    def __init__(self, message: str | Callable[[], str] | None = None, **details: object) -> None:
        # What one transaction finds for many callers is written where each of them reads it.
        self._write = message if callable(message) else None
        if message is not None:
            self.message = message() if callable(message) else message
        seconds = details.get("retry_after_seconds")
        if isinstance(seconds, int):
            self.retry_after_seconds = seconds
        self.details = details
        super().__init__(self.message)

    @property
    def text(self) -> str:
        """The message in the language of its reader."""
        return self._write() if self._write else gettext(self.message)

    def headers(self) -> dict[str, str]:
        """Return the headers that every answer with this error carries."""
        seconds = self.retry_after_seconds
        return {} if seconds is None else {"retry-after": str(seconds)}

    def document(self) -> dict[str, object]:
        """Return a problem document (RFC 9457); its `title` is in the reader's language."""
        return {
            **self.details,
            "type": "about:blank",
            "title": self.text,
            "status": self.status,
            "code": self.code,
        }


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message names it and the remedy."""


class NotFound(SurgeError, code="not_found", status=404):
    """The resource does not exist, or the caller may not know that it does."""

    message = N_("We couldn't find that. It may have been removed. Check the address.")


class InvalidRequest(SurgeError, code="invalid_request", status=422):
    message = N_("We couldn't read that request. Nothing was changed. Check it and try again.")


class InvalidContact(SurgeError, code="invalid_contact", status=422):
    """Some contact fields are not valid; `fields` names each."""

    message = N_("Some details need another look. Nothing was saved. Check the marked fields.")

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__()
        self._fields = fields

    @property
    def fields(self) -> dict[str, str]:
        """A sentence for each field, in the language of its reader."""
        return {name: gettext(sentence) for name, sentence in self._fields.items()}

    def document(self) -> dict[str, object]:
        """Return a problem document with the sentence of each field."""
        return {"fields": self.fields, **super().document()}


class NotAdmitted(SurgeError, code="not_admitted", status=403):
    message = N_("It's not your turn yet, so no tickets are held. Join the queue to get your turn.")


class SoldOut(SurgeError, code="sold_out", status=409):
    message = N_(
        "All tickets are sold. You haven't been charged. Cancelled tickets go to the queue."
    )


class AllHeld(SurgeError, code="all_held", status=409):
    message = N_(
        "All remaining tickets are in other people's checkouts. You haven't been charged. Try "
        "again in a moment: some may be released."
    )


class NotEnoughLeft(SurgeError, code="not_enough_left", status=409):
    message = N_(
        "There are fewer tickets left than that. Nothing was held. Choose a smaller number."
    )


class NotEnoughAvailable(SurgeError, code="not_enough_available", status=409):
    """An organizer's change needs more available units than there are."""

    message = N_("The other tickets are held or sold. Nothing was changed. Enter a smaller number.")


class IntentExists(SurgeError, code="intent_exists", status=409):
    message = N_("You already hold tickets for this event. Pay for them or release them first.")


class NotRestorable(SurgeError, code="not_revivable", status=409):
    message = N_(
        "Only an expired or released hold can be restored. Nothing was changed. Refresh the "
        "page to see its current status."
    )


class BuyerLimit(SurgeError, code="person_limit", status=409):
    message = N_("That is more tickets than one person may buy. Nothing was charged. Choose fewer.")


class PriceChanged(SurgeError, code="price_changed", status=409):
    """The total the buyer saw is no longer the total of the order."""

    message = N_("The price has changed. Please review the new total before you pay.")


class QuantityNotAllowed(SurgeError, code="quantity_not_allowed", status=422):
    message = N_("That number can't be booked here. Nothing was held. Choose another number.")


class NotOnSale(SurgeError, code="not_on_sale", status=409):
    message = N_(
        "Tickets for this event are not on sale right now. Nothing was held. Check the event "
        "page for the sale times."
    )


class IntentExpired(SurgeError, code="intent_expired", status=410):
    message = N_(
        "Your time ran out, so we released your tickets. You haven't been charged. Start "
        "again if tickets are left."
    )


class PaymentStarted(SurgeError, code="payment_started", status=409):
    message = N_("Your payment has started, so your tickets are locked. Finish or close it first.")


class PaymentBeingChecked(SurgeError, code="payment_being_checked", status=409):
    message = N_(
        "We are checking your payment. Your tickets are safe. Please do not pay a second "
        "time; you will hear from us."
    )


class BadSignature(SurgeError, code="bad_signature", status=400):
    message = N_(
        "This message was not signed by the payment provider. Nothing was changed. Open your "
        "booking to see its status."
    )


class PayloadTooLarge(SurgeError, code="payload_too_large", status=413):
    message = N_("That is larger than we accept. Nothing was changed. Send less and try again.")


class AddressTooLong(SurgeError, code="address_too_long", status=414):
    message = N_("That link is longer than we accept. Open the page from its original link.")


class UnknownHost(SurgeError, code="unknown_host", status=421):
    """The `Host` of a request is none of this installation's names."""

    message = N_(
        "Surge isn't served at this address. Nothing was changed. Use the link you were sent."
    )


class BodyTooSlow(SurgeError, code="body_too_slow", status=408):
    message = N_("The request took too long to arrive. Nothing was changed. Please try again.")


class RateLimited(SurgeError, code="rate_limited", status=429):
    """The caller exceeded a rate limit."""

    message = N_("Too many requests. Nothing was changed. Please wait a moment and try again.")

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)


class ChallengeRequired(SurgeError, code="challenge_required", status=428):
    """A proof of work is required; `challenge` is the puzzle in ALTCHA's format."""

    message = N_("One quick check before you join. Your browser does it automatically.")

    def __init__(self, challenge: dict[str, object]) -> None:
        super().__init__(challenge=challenge)


class Unauthorized(SurgeError, code="unauthorized", status=401):
    message = N_("You are signed out. Nothing was changed. Sign in to continue.")


class Forbidden(SurgeError, code="forbidden", status=403):
    message = N_("Your account can only check in tickets. Nothing was changed. Ask an organizer.")


class AccountTaken(SurgeError, code="account_taken", status=409):
    message = N_(
        "An account with this name already exists. Nothing was changed. Choose another name."
    )


class EditConflict(SurgeError, code="changed_meanwhile", status=409):
    """The version the caller saw is not the current one."""

    message = N_(
        "Someone else changed this booking a moment ago. Your change was not saved. Check the "
        "booking again, then repeat it."
    )


class AlreadyResolved(SurgeError, code="already_dealt_with", status=409):
    message = N_("Someone has already handled this. Nothing was changed. Refresh the page.")


class ForeignOrigin(SurgeError, code="foreign_origin", status=403):
    message = N_("This request came from another site. Nothing was changed. Open the page again.")


class SlugTaken(SurgeError, code="slug_taken", status=409):
    message = N_("This web address is already in use. Nothing was saved. Choose another address.")


class AlreadyRefunded(SurgeError, code="already_refunded", status=409):
    message = N_(
        "This booking is already refunded. Nothing was changed. See the booking page for the "
        "refund."
    )


class NamesFixed(SurgeError, code="names_fixed", status=409):
    message = N_(
        "The names on these tickets can no longer be changed. The tickets stay valid. Contact "
        "the organizer if a name is wrong."
    )


class RefundNotStuck(SurgeError, code="refund_not_stuck", status=409):
    """The refund is finished or still being retried automatically."""

    message = N_("This refund is finished or on its way. Nothing was changed. No action is needed.")


class QueueUnavailable(SurgeError, code="line_unavailable", status=503):
    retry_after_seconds = 5
    message = N_(
        "The waiting room is not responding. Your place is safe. Please try again shortly."
    )


class Busy(SurgeError, code="busy", status=503):
    """The database pool is exhausted or a lock was contended for too long."""

    message = N_("It's very busy right now. Nothing was lost or charged. Please try again.")


class Unavailable(SurgeError, code="unavailable", status=503):
    retry_after_seconds = 2
    message = N_("We can't reach our records. Your tickets are safe. Please try again shortly.")


class GatewayUnavailable(SurgeError, code="gateway_unavailable", status=503):
    message = N_(
        "The payment provider is not responding. You haven't been charged. Try again soon."
    )


class PaymentsPaused(GatewayUnavailable):
    """The circuit breaker of the gateway is open."""

    message = N_(
        "Payments are paused on the bank's side. Your tickets are safe and the clock is "
        "stopped. Keep this page open; you can pay again shortly."
    )


class RehearsalNeedsSandbox(SurgeError, code="rehearsal_needs_sandbox", status=409):
    message = N_(
        "Live keys for payments, email or SMS are configured. The rehearsal did not start. "
        "Switch to the sandbox and try again."
    )


class RehearsalRuns(SurgeError, code="rehearsal_runs", status=409):
    message = N_(
        "A rehearsal is already running. No second one was started. Wait for its result, or "
        "stop it first."
    )
