"""A fact of an event is declared once, and nothing that shows or takes facts lacks it."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields

import pytest
from sqlalchemy import Table

from surge_app.api.admin.schemas import EventFieldsIn, NewEventIn
from surge_app.api.schemas import EventOut
from surge_app.cli.main import event_create
from surge_app.components.feeds.feed_types import EventJson
from surge_app.edge.websockets.websocket_filter import LARGEST_OF_ORGANIZERS
from surge_app.models import Event
from surge_app.pages.admin.events import event_editor
from surge_app.services.admin.event_admin import EventSettings
from surge_app.services.events.facts import ALL_FACTS, EDITABLE_FACTS, PUBLIC_FACTS
from surge_app.services.events.new_event import NewEvent
from surge_app.services.events.views import EventView

# What Surge itself keeps of an event, or decides when it is created.
INTERNAL = {
    "id",
    "slug",
    "phase",
    "currency",
    "fee_paise",
    "payment_seconds",
    "queue_seed",
    "line_floor",
    "line_early",
    "is_paused",
    "is_rehearsal",
    "search_text",
    "created_at",
}


def _table() -> Table:
    table = Event.__table__  # pyright: ignore[reportAttributeAccessIssue]  SQLModel hides it
    assert isinstance(table, Table)
    return table


def test_every_column_of_an_event_is_a_declared_fact_or_internal() -> None:
    columns = set(_table().columns.keys())
    assert columns - INTERNAL == set(ALL_FACTS)


@pytest.mark.parametrize("name", ALL_FACTS)
def test_a_fact_has_the_default_and_the_freedom_of_its_column(name: str) -> None:
    fact, column = ALL_FACTS[name], Event.model_fields[name]
    assert column.is_required() == fact.is_required
    assert fact.default is MISSING or fact.default == column.default
    assert bool(_table().columns[name].nullable) == fact.is_nullable


def test_no_fact_is_missing_where_facts_are_taken_or_shown() -> None:
    assert set(PUBLIC_FACTS) <= set(EventOut.model_fields)
    assert set(ALL_FACTS) <= set(NewEventIn.model_fields)
    assert set(EDITABLE_FACTS) == set(EventFieldsIn.model_fields)
    form = str(event_editor.page().render())
    # One text for programs, a field for each language and fact in the form.
    fields_of = {name: name for name in EDITABLE_FACTS} | {"translations": "hi_name"}
    assert [name for name, field in fields_of.items() if f'name:"{field}"' not in form] == []
    assert set(ALL_FACTS) <= set(inspect.signature(event_create).parameters)
    for declaration, facts in (
        (NewEvent, ALL_FACTS),
        (EventSettings, ALL_FACTS),
        (EventView, PUBLIC_FACTS),
        (EventJson, PUBLIC_FACTS),
    ):
        assert set(facts) <= {one.name for one in fields(declaration)}, declaration


def test_the_longest_form_of_an_event_fits_in_a_frame() -> None:
    # Each text is sent with the one it replaces; a letter takes up to four bytes.
    letters = sum(one.fact.max_length or 0 for one in EDITABLE_FACTS.values())
    assert 2 * 4 * letters + 32 * 1024 <= LARGEST_OF_ORGANIZERS
