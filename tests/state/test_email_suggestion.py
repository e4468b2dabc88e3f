"""Each form with an email address offers a likelier spelling of it."""

from __future__ import annotations

from typing import Any

import pytest

from surge_app.state.admin.bookings.booking import BookingDetailState
from surge_app.state.admin.entrance.box_office import BoxOfficeState
from surge_app.state.booking import BookingState
from surge_app.state.checkout import CheckoutState
from tests.state.harness import call

_FORMS = (BookingDetailState, BoxOfficeState, BookingState)


@pytest.mark.parametrize("form", _FORMS, ids=lambda form: form.__name__)
async def test_a_form_with_an_address_asks_whether_another_was_meant(form: Any) -> None:
    state = form()
    await call(form.check_email, state, "asha@gmial.com")
    assert state.suggestion == "asha@gmail.com"
    await call(form.apply_suggestion, state)
    assert state.suggestion == ""
    for typed in ("asha@gmail.com", "asha@", 7, None):
        await call(form.check_email, state, typed)
        assert state.suggestion == ""


def test_every_state_with_a_form_for_an_address_has_the_question() -> None:
    assert all(hasattr(form, "apply_suggestion") for form in (*_FORMS, CheckoutState))
