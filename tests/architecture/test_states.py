"""What a browser may call, and what a State may hold."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from typing import Any, get_args, get_type_hints

import pytest
import reflex as rx
from reflex_base.config import get_config
from sqlmodel import SQLModel

from surge_app.models import Event, Tier
from surge_app.providers.transport import TIMEOUTS
from tests.architecture import snapshots

_DECORATORS = {"rx.event", "rx.var"}
STATES = snapshots.states()


def _contains_table(hint: Any, seen: tuple[Any, ...] = ()) -> bool:
    """Whether a type is, or holds at any depth, a row of a table."""
    if any(hint is one for one in seen):
        return False
    seen = (*seen, hint)
    if isinstance(hint, type) and issubclass(hint, SQLModel):
        return True
    inner: list[Any] = list(get_args(hint))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        inner += get_type_hints(hint).values()
    return any(_contains_table(one, seen) for one in inner)


def _methods(state: type[rx.State]) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The public methods of a State and of the mixins it is made of."""
    found: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for part in state.__mro__:
        if not part.__module__.startswith(snapshots.PACKAGE):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
        assert isinstance(tree, ast.ClassDef)
        found += [
            node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
    return [method for method in found if not method.name.startswith("_")]


def test_the_handlers_a_browser_may_call_are_the_committed_ones() -> None:
    assert snapshots.handlers() == snapshots.stored("handlers.txt"), (
        "If this is meant, run `python -m tests.architecture.snapshots` and commit the change."
    )


def test_the_lock_of_a_state_outlasts_two_calls_to_the_gateway() -> None:
    assert get_config().redis_lock_expiration / 1000 > 2 * sum(TIMEOUTS)


def test_there_are_states_and_nothing_sets_a_var_from_outside() -> None:
    assert {"CheckoutState", "BookingState", "DashboardState"} <= {
        state.__name__ for state in STATES
    }
    setters = [
        f"{state.__name__}.{name}"
        for state in STATES
        for name in state.event_handlers
        if name.startswith("set_")
    ]
    assert setters == []


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_public_method_is_a_handler_on_purpose(state: type[rx.State]) -> None:
    methods = _methods(state)
    bare = [
        method.name
        for method in methods
        if not {
            ast.unparse(one.func if isinstance(one, ast.Call) else one)
            for one in method.decorator_list
        }
        & _DECORATORS
    ]
    assert bare == []
    handlers = set(state.event_handlers) - {"setvar"}
    assert handlers <= {method.name for method in methods}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_var_of_a_state_holds_a_row_of_a_table(state: type[rx.State]) -> None:
    fields = {name: field.annotated_type for name, field in state.get_fields().items()}
    computed = {name: var._var_type for name, var in state.computed_vars.items()}
    assert "is_hydrated" in fields
    held = {**fields, **computed}
    assert [name for name, hint in held.items() if _contains_table(hint)] == []


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_argument_from_a_browser_is_taken_as_unknown(state: type[rx.State]) -> None:
    # The types a browser is told to send are no types: it sends what it likes.
    trusted = [
        f"{name}({argument.name}: {argument.annotation})"
        for name, handler in state.event_handlers.items()
        if name != "setvar"
        for argument in list(inspect.signature(handler.fn).parameters.values())[1:]
        if argument.annotation not in {"object", "dict[str, object]", "dict[str, Any]"}
    ]
    assert trusted == []


def test_a_row_is_found_however_deep_it_hides() -> None:
    @dataclasses.dataclass
    class Card:
        name: str
        rows: dict[str, list[Tier]]

    Card.__annotations__["rows"] = dict[str, list[Tier]]
    assert _contains_table(Event)
    assert _contains_table(list[Event] | None)
    assert _contains_table(dict[str, tuple[Event, ...]])
    assert _contains_table(list[Card])
    assert not _contains_table(dict[str, list[int]])
