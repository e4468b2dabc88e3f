"""A report of a delivery is parsed before its signature is known, so its size is bounded."""

from __future__ import annotations

import pytest

from surge_app.providers import delivery_reports
from surge_app.providers.delivery_reports import TwilioReports
from surge_app.services.vendors.ports import ProviderRejected


def test_a_form_of_thousands_of_fields_is_not_parsed() -> None:
    reports = TwilioReports("a token", callback_url="https://surge.example/api/webhooks/twilio")
    many = "&".join(f"f{number}=1" for number in range(delivery_reports._MAX_FIELDS + 1))
    with pytest.raises(ProviderRejected, match="cannot be read"):
        reports.read(many.encode(), query="", signature="x")
    with pytest.raises(ProviderRejected, match="did not sign"):
        reports.read(b"MessageSid=SM1", query="", signature="x")
