"""The log of actions can be read: every action has words, and values are not raw."""

from __future__ import annotations

import re
from pathlib import Path

from surge_app.models import MessageKind
from surge_app.state.admin.audit_labels import ACTIONS, changes, label

_SERVICES = Path(__file__).parents[3] / "surge_app" / "services"
_ACTION = re.compile(
    r'"((?:admin|booking|check_in|cover|event|intent|message|payment|privacy|queue|refund|rehearsal|stock|tier|webhook)'
    r'\.[a-z_]+)"'
)


def test_every_action_that_is_written_has_words() -> None:
    written = {
        action
        for path in _SERVICES.rglob("*.py")
        for action in _ACTION.findall(path.read_text("utf-8"))
    }
    assert len(written) > 25
    told = {str(MessageKind.EVENT_CHANGED), str(MessageKind.EVENT_CANCELLED)}
    assert written | told <= set(ACTIONS)


def test_what_changed_is_told_in_rupees_times_and_words() -> None:
    before = {"price_paise": 50_000, "is_paused": False, "starts_at": None, "tier_id": "01X"}
    after = {
        "price_paise": 1_00_000,
        "is_paused": True,
        "starts_at": "2027-12-18T13:30:00+00:00",
        "tickets": [1, 3],
        "number": "all",
        "tier_id": "01X",
    }
    lines = changes(before, after, "Asia/Kolkata")
    assert lines[0] == "Price: ₹500 → ₹1,000"
    assert lines[1] == "Paused: no → yes"
    assert lines[2].startswith("Starts: none → ")
    assert "7:00" in lines[2]
    assert lines[3:] == ["Tickets: 1, 3", "Queue number: everyone inside"]
    assert changes({"role": "door"}, {}, "") == ["Role was door"]
    assert changes({}, {"words": "x" * 500}, "")[0].endswith("…")
    assert label("something.new_here") == "Something new here"


def test_a_value_that_looks_the_same_is_no_change() -> None:
    before = {"starts_at": "2027-12-18T13:30:00+00:00", "venue": "Goa"}
    after = {"starts_at": "2027-12-18T19:00:00+05:30", "venue": "Pune"}
    assert changes(before, after, "Asia/Kolkata") == ["Venue: Goa → Pune"]
