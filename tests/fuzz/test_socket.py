"""The live connection of somebody who may have one, and sends what no page would."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from tests.architecture import snapshots
from tests.conftest import Surge
from tests.fuzz.bounds import ANY_JSON, ODD, bounded, internal_names
from tests.fuzz.conftest import Somebody
from tests.integration.raw_socket import Socket, connected

EVENT = "42/_event,"
HANDLER = re.compile(r"(?P<state>[\w.]+)\.(?P<handler>\w+)\((?P<arguments>.*)\)")
TEXT, BINARY, PING, CONTINUED = 0x81, 0x82, 0x89, 0x80
"""First bytes of frames."""

FIELDS = {
    "token": ODD,
    "name": st.text(max_size=20) | st.just("reflex___state____state.nothing.at_all") | ODD,
    "payload": ANY_JSON,
    "router_data": ANY_JSON,
    "substate_token": ODD,
    "traceparent": ODD,
}
PACKETS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "",
            "2probe",
            "4",
            "42",
            EVENT,
            "40/other,",
            "40/_event,{",
            "41/other,",
            "43/_event,1[]",
            "451-/_event,",
            '451-/_event,["event",{"_placeholder":true,"num":0}]',
            '42/_event,999999999999999999999["event"]',
            EVENT + "[" * 3_000,
            EVENT + '["event",' + "9" * 5_000 + "]",
            EVENT + '["client_error",{"message":"\\u0000"}]',
            EVENT + '["ping"]',
            EVENT + '["connect",{}]',
            EVENT + '["disconnect"]',
        ]
    ),
    st.tuples(st.sampled_from(["event", "ping", "client_error", "", "__init__"]), ANY_JSON).map(
        lambda packet: EVENT + json.dumps(list(packet))
    ),
    st.fixed_dictionaries({}, optional=FIELDS).map(
        lambda sent: EVENT + json.dumps(["event", sent])
    ),
)
FRAMES = PACKETS.map(lambda text: (TEXT, text.encode("utf-8", "surrogatepass"))) | st.tuples(
    st.sampled_from([BINARY, PING, CONTINUED, TEXT, 0x83, 0xC1]), st.binary(max_size=40)
)


async def _heard(socket: Socket) -> list[str]:
    """Return what is said until the other side closes or has nothing more to say."""
    found: list[str] = []
    try:
        async with asyncio.timeout(0.3):
            while True:
                found.append(await socket.receive())
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, UnicodeDecodeError):
        return found


@pytest.fixture
def cookies(somebody: Somebody) -> dict[str, str]:
    return dict(somebody.holder.http.cookies)


async def test_no_frame_takes_anything_down_or_tells_of_the_inside(
    surge: Surge, somebody: Somebody, cookies: dict[str, str]
) -> None:
    sent: list[list[tuple[int, bytes]]] = []

    @bounded(40)
    @given(frames=st.lists(FRAMES, min_size=1, max_size=6))
    def collect(frames: list[tuple[int, bytes]]) -> None:
        sent.append(frames)

    collect()
    for frames in sent:
        async with connected(surge.url, cookies) as socket:
            try:
                for first, raw in frames:
                    await socket.send_frame(first, raw)
            except ConnectionError:
                continue
            assert internal_names(" ".join(await _heard(socket))) == []
    async with connected(surge.url, cookies) as socket:
        path = f"/book/{somebody.slug}"
        assert await socket.event("state.checkout.CheckoutState", "load", path)


def _payloads(names: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    @bounded(3 if names else 1)
    @given(payload=st.fixed_dictionaries(dict.fromkeys(names, ANY_JSON)))
    def collect(payload: dict[str, Any]) -> None:
        found.append(payload)

    collect()
    return found


def _handlers() -> list[tuple[str, str, list[str]]]:
    """Return every handler that a page may call: its State, its name, and its arguments."""
    found = [HANDLER.fullmatch(line) for line in snapshots.stored("handlers.txt")]
    return [
        (one["state"], one["handler"], [name for name in one["arguments"].split(", ") if name])
        for one in found
        if one is not None and one["handler"] != "setvar"
    ]


def _paths(somebody: Somebody) -> dict[str, str]:
    return {
        "state.checkout": f"/book/{somebody.slug}",
        "state.booking": f"/bookings/{somebody.ref}",
        "state.admin": f"/admin/events/{somebody.slug}",
    }


@pytest.mark.parametrize("who", ["visitor", "organizer"])
async def test_no_argument_of_an_event_is_believed(
    who: str, surge: Surge, somebody: Somebody, cookies: dict[str, str]
) -> None:
    if who == "organizer":
        async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer) as http:
            await http.get("/admin")
            cookies = dict(http.cookies)
    paths = _paths(somebody)
    told: list[tuple[str, str, str, dict[str, Any]]] = []
    for state, handler, names in _handlers():
        path = next((paths[start] for start in paths if state.startswith(start)), "/events")
        told += [(state, handler, path, payload) for payload in _payloads(names)]
    async with connected(surge.url, cookies) as socket:
        for state, handler, path, payload in told:
            await socket.send_event(state, handler, path, payload)
        # Events of one page are dealt with in turn: once this one is answered, all were.
        number = secrets.token_hex(4)
        await socket.send_event(
            "state.error_notice.ErrorNoticeState", "show", "/", {"number": number}
        )
        said = ""
        async with asyncio.timeout(300):
            while number not in said:
                said += json.dumps(await socket.update())
    # Names of States are a part of the live connection's own language.
    assert internal_names(re.sub(r"\w*(?:___\w+)+", "", said)) == []


async def test_nobody_sets_a_variable_by_its_name(
    surge: Surge, somebody: Somebody, cookies: dict[str, str]
) -> None:
    payload = {"var_name": "number", "value": "x"}
    async with connected(surge.url, cookies) as socket:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await socket.event("state.error_notice.ErrorNoticeState", "setvar", "/book/x", payload)
