"""Decide whether and when to retry a message that a provider did not accept.

A second mail is harmless, as it shows the same tickets; a missing one is not. A second SMS costs
money and trust, so an SMS is looked up before each further try, and one that may have been sent is
repeated once at most.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from surge_app.models import Channel, OutboxMessage
from surge_app.services.vendors.ports import (
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)

MAX_UNKNOWN_SMS = 2
"""An SMS that may have been sent so often is not sent again."""

_MAX_UNKNOWN_MAILS = 20
# Within a minute of an outage's end while it is young, and without hammering when it is not.
_YOUNG_ATTEMPTS, _YOUNG_PAUSE, _OLD_PAUSE = 20, 15.0, 300.0
_UNKNOWN_PAUSE = 900.0
_SMS_LOOK_AFTER = 15.0
_MAX_REQUESTED_SECONDS = 3600.0
_PATIENCE = {Channel.EMAIL: timedelta(days=3), Channel.SMS: timedelta(hours=12)}


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """The next attempt after `pause`; None gives the message up."""

    pause: timedelta | None
    is_unknown: bool = False


def next_attempt(message: OutboxMessage, error: ProviderError, now: datetime) -> RetryDecision:
    """Decide about a message after a failure.

    Args:
        message: As it was taken for this attempt.
        error: What the provider did.
        now: To tell how long it has been tried.
    """
    if isinstance(error, ProviderRejected):
        return RetryDecision(None)
    is_unknown = isinstance(error, ProviderOutcomeUnknown)
    unknowns = message.unknowns + is_unknown
    if is_unknown and unknowns >= _most_unknown(message):
        return RetryDecision(None, is_unknown)
    if (
        message.first_tried_at
        and now - message.first_tried_at > _PATIENCE[Channel(message.channel)]
    ):
        return RetryDecision(None, is_unknown)
    if is_unknown:
        return RetryDecision(_jittered(_unknown_pause(message, unknowns)), is_unknown)
    usual = _jittered(_pause(message.attempts))
    requested = error.retry_after_seconds if isinstance(error, ProviderUnavailable) else None
    if requested is None:
        return RetryDecision(usual)
    # Never before the moment the provider named, nor sooner because that moment is now.
    named = timedelta(seconds=min(requested, _MAX_REQUESTED_SECONDS) + random.random())  # noqa: S311  jitter
    return RetryDecision(max(named, usual))


def _most_unknown(message: OutboxMessage) -> int:
    return MAX_UNKNOWN_SMS if message.channel == Channel.SMS else _MAX_UNKNOWN_MAILS


def _unknown_pause(message: OutboxMessage, unknowns: int) -> float:
    if message.channel == Channel.SMS:
        # What is still being created is not found yet.
        return _SMS_LOOK_AFTER
    return min(_UNKNOWN_PAUSE, 2.0 ** (unknowns - 1))


def _pause(attempts: int) -> float:
    if attempts > _YOUNG_ATTEMPTS:
        return min(_OLD_PAUSE, _YOUNG_PAUSE * 2.0 ** min(attempts - _YOUNG_ATTEMPTS, 10))
    return min(_YOUNG_PAUSE, 2.0 ** (attempts - 1))


def _jittered(seconds: float) -> timedelta:
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311  jitter
