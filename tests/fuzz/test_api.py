"""Every documented call, asked in every way its schema allows and forbids."""

from __future__ import annotations

from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import given, strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from surge_app.api import create_api
from tests.conftest import Surge
from tests.fuzz.bounds import LONGER, bounded, internal_names
from tests.fuzz.conftest import Actor

SCHEMA_CHECK = response_schema_conformance
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    SCHEMA_CHECK,
]
PAIRS = "/api/admin/events/{slug}/door/list"
"""Its list of triples is a schema schemathesis reads as one of an older draft, and refuses."""
REHEARSE = "POST /api/admin/rehearsals"
"""It would play a whole sale for minutes; `tests/integration` asks for it on purpose."""
ALL = list(schemathesis.GenerationMode)
MODES = {"stranger": ALL if LONGER > 1 else ALL[:1], "visitor": ALL, "organizer": ALL}
"""A stranger is turned away before most of what is sent is read, so little of it is sent."""
ENDS_THINGS = ("DELETE", "close", "revoke", "cancel")
"""Calls after which less is left to be asked for come last, in this order."""


def _operations() -> list[schemathesis.APIOperation]:
    schema = schemathesis.openapi.from_dict(create_api().openapi())
    found = [cast("Any", one).ok() for one in schema.get_all_operations()]
    found = [one for one in found if one.label != REHEARSE]

    def rank(one: schemathesis.APIOperation) -> int:
        return next((at for at, word in enumerate(ENDS_THINGS, 1) if word in one.label), 0)

    return sorted(found, key=rank)


def _made_ours(case: schemathesis.Case, actor: Actor, data: st.DataObject) -> None:
    """Ask for what is ours three times in four; a name made up finds nothing."""
    for name in case.path_parameters or {}:
        if name in actor.own and data.draw(st.integers(0, 3)):
            case.path_parameters[name] = data.draw(st.sampled_from(actor.own[name]))
    body = case.body
    if not isinstance(body, dict):
        return
    for line in body["lines"] if isinstance(body.get("lines"), list) else ():
        if isinstance(line, dict) and "tier_id" in line and data.draw(st.booleans()):
            line["tier_id"] = actor.own["tier_id"][0]
    tiers = body["tiers"] if isinstance(body.get("tiers"), list) else [body]
    for tier in tiers:
        # A hundred thousand units are allowed, and take their time to be written.
        if isinstance(tier, dict) and isinstance(tier.get("units"), int):
            tier["units"] = tier["units"] % 50 if 0 < tier["units"] < 10**6 else tier["units"]


@pytest.mark.parametrize("who", ["stranger", "visitor", "organizer"])
def test_every_call_answers_as_documented_whatever_it_is_asked(
    who: str, actors: dict[str, Actor], surge: Surge
) -> None:
    actor = actors[who]
    session = requests.Session()
    session.auth = actor.password
    broken: list[str] = []

    for operation in _operations():
        if who == "visitor" and "/admin/" in operation.path and LONGER == 1:
            # To the console they are a stranger.
            continue
        # Where nothing is asked for, nothing can be asked wrongly.
        takes_something = bool(operation.body or operation.query)
        for mode in MODES[who] if takes_something else ALL[:1]:
            try:
                _ask(operation, mode, actor, session, surge.url)
            except Unsatisfiable:
                # A free text in the address cannot be a wrong one.
                assert mode.is_negative
            except (AssertionError, BaseExceptionGroup) as error:
                broken.append(f"{operation.label} ({mode.value}): {error}")
    assert broken == []


def _ask(
    operation: schemathesis.APIOperation,
    mode: schemathesis.GenerationMode,
    actor: Actor,
    session: requests.Session,
    url: str,
) -> None:
    checks = [check for check in CHECKS if operation.path != PAIRS or check is not SCHEMA_CHECK]

    @bounded(2)
    @given(case=operation.as_strategy(mode), data=st.data())
    def ask(case: schemathesis.Case, data: st.DataObject) -> None:
        _made_ours(case, actor, data)
        answer = case.call(base_url=url, session=session, cookies={**actor.cookies}, timeout=30)
        case.validate_response(answer, checks=checks)
        # The bytes of a picture may spell anything.
        if not answer.headers.get("content-type", [""])[0].startswith("image/"):
            assert internal_names(answer.content.decode("utf-8", "replace")) == []

    ask()
