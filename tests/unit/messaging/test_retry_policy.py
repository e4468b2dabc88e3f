"""When a message is tried again, and when never."""

from __future__ import annotations

from datetime import timedelta

import pytest

from surge_app.clock import new_id, utc_now
from surge_app.models import Channel, OutboxMessage
from surge_app.services.messaging.retry_policy import next_attempt
from surge_app.services.vendors.ports import (
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)

DOWN, UNKNOWN = ProviderUnavailable("down"), ProviderOutcomeUnknown("no answer")


def _message(channel: Channel = Channel.EMAIL, **values: object) -> OutboxMessage:
    fields = {"attempts": 1, "unknowns": 0, "first_tried_at": utc_now(), **values}
    return OutboxMessage(
        id=new_id(),
        intent_id=new_id(),
        channel=channel,
        kind="confirmation",
        recipient="",
        dedupe_key="",
        next_attempt_at=utc_now(),
        **fields,
    )


def _pause(message: OutboxMessage, error: ProviderUnavailable | ProviderOutcomeUnknown) -> float:
    step = next_attempt(message, error, utc_now())
    assert step.pause is not None
    return step.pause.total_seconds()


def test_pauses_double_up_to_a_quarter_of_a_minute_while_an_outage_is_young() -> None:
    for attempts, steady in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 15), (20, 15)):
        assert 0.8 * steady <= _pause(_message(attempts=attempts), DOWN) <= 1.2 * steady


@pytest.mark.parametrize("error", [DOWN, UNKNOWN])
@pytest.mark.parametrize("channel", Channel)
def test_a_message_leaves_within_a_minute_when_its_provider_fails_for_half_of_one(
    channel: Channel, error: ProviderUnavailable | ProviderOutcomeUnknown
) -> None:
    # Each attempt that gets no answer also waits for it.
    waiting = 8.0 if error is UNKNOWN else 0.0
    moment, attempts, unknowns = waiting, 1, 0
    while moment <= 30:
        # An SMS that may have been sent is only looked up next, and that changes nothing.
        is_question = channel is Channel.SMS and attempts > 1
        failed = DOWN if is_question else error
        moment += _pause(_message(channel, attempts=attempts, unknowns=unknowns), failed) + waiting
        unknowns += failed is UNKNOWN
        attempts += 1
    assert moment - waiting < 60


def test_an_old_outage_is_asked_about_less_often() -> None:
    assert 240 <= _pause(_message(attempts=60), DOWN) <= 360


def test_the_same_moment_is_not_chosen_twice() -> None:
    assert len({_pause(_message(attempts=9), DOWN) for _ in range(20)}) > 15


def test_the_providers_wish_is_never_cut_short_below_an_hour() -> None:
    wish = ProviderUnavailable("429", retry_after_seconds=50)
    assert 50 <= _pause(_message(), wish) <= 51
    far = ProviderUnavailable("429", retry_after_seconds=10**9)
    assert 3600 <= _pause(_message(), far) <= 3601


def test_a_wish_that_names_no_later_moment_hurries_nobody() -> None:
    for seconds in (0, 1):
        wish = ProviderUnavailable("429", retry_after_seconds=seconds)
        assert 12 <= _pause(_message(attempts=9), wish) <= 18


def test_what_is_refused_is_never_tried_again() -> None:
    assert next_attempt(_message(), ProviderRejected("no"), utc_now()).pause is None


def test_an_sms_of_unknown_outcome_is_tried_once_more_at_most() -> None:
    first, second = _message(Channel.SMS), _message(Channel.SMS, unknowns=1)
    assert next_attempt(first, UNKNOWN, utc_now()).pause is not None
    assert next_attempt(second, UNKNOWN, utc_now()).pause is None


@pytest.mark.parametrize(("channel", "hours"), [(Channel.EMAIL, 72), (Channel.SMS, 12)])
def test_nothing_is_tried_for_ever(channel: Channel, hours: int) -> None:
    began = utc_now() - timedelta(hours=hours)
    young = _message(channel, first_tried_at=began + timedelta(minutes=5))
    old = _message(channel, first_tried_at=began - timedelta(minutes=5))
    assert next_attempt(young, DOWN, utc_now()).pause is not None
    assert next_attempt(old, DOWN, utc_now()).pause is None
