"""What a page may send over its live connection, and what ends there."""

from __future__ import annotations

import json

import pytest
from reflex_base.registry import RegistrationContext
from starlette.types import Message
from structlog.testing import capture_logs

from surge_app.edge.websockets import websocket_filter as frames
from surge_app.edge.websockets.handler_arguments import arguments_of
from surge_app.edge.websockets.websocket_filter import FrameFilter
from tests.architecture import snapshots

ROOT = "reflex___state____state."
CRASH = f"{ROOT}reflex___state____frontend_event_exception_state.handle_frontend_exception"
OURS = f"{ROOT}surge_app___state___checkout____checkout_state.hold"
PAY = f"{ROOT}surge_app___state___checkout____checkout_state.pay"


def _event(name: str, /, **payload: object) -> str:
    sent = {"name": name, "payload": payload, "token": "t", "router_data": {}}
    return f"42/_event,{json.dumps(['event', sent])}"


async def _passed(*texts: str, largest: int = frames.LARGEST) -> tuple[list[str], list[Message]]:
    """Return what reaches the application of these frames, and what is sent back."""
    waiting: list[Message] = [{"type": "websocket.receive", "text": text} for text in texts]
    waiting.append({"type": "websocket.disconnect", "code": 1000})
    answers: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        answers.append(message)

    arguments = arguments_of(RegistrationContext.get().event_handlers)
    through = FrameFilter(receive, send, arguments, largest=largest)
    heard: list[str] = []
    while (message := await through())["type"] == "websocket.receive":
        heard.append(message["text"])
    return heard, answers


@pytest.mark.parametrize(
    "name",
    [
        f"{ROOT}hydrate",
        f"{ROOT}set_is_hydrated",
        f"{ROOT}setvar",
        f"{ROOT}reflex___state____update_vars_internal_state.update_vars_internal",
        f"{ROOT}reflex___state____on_load_internal_state.set_is_hydrated",
        "another___state.load",
    ],
)
async def test_a_handler_no_page_calls_closes_the_connection(name: str) -> None:
    heard, answers = await _passed(_event(name), _event(OURS))
    assert heard == []
    assert [answer["type"] for answer in answers] == ["websocket.close"]


async def test_every_handler_of_a_page_is_reachable() -> None:
    names = set(RegistrationContext.get().event_handlers)
    assert snapshots.states()
    assert names >= frames._FRAMEWORK
    allowed = {name for name in names if frames._is_for_pages(name)}
    framework = {name for name in names if name.startswith(f"{ROOT}surge_app___")} ^ allowed
    assert {name for name in framework if not name.endswith(".setvar")} == frames._FRAMEWORK
    arguments = arguments_of(RegistrationContext.get().event_handlers)
    sent = {name: dict.fromkeys(arguments(name) or ()) for name in allowed - frames._FRAMEWORK}
    texts = [_event(name, **sent.get(name, {})) for name in sorted(allowed)]
    assert await _passed(*texts) == (texts, [])
    for name in sorted(allowed):
        heard, answers = await _passed(_event(name, **sent.get(name, {}), self=None))
        assert (heard, answers[0]["type"]) == ([], "websocket.close"), name


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        (OURS, {"x": 1}),
        (OURS, {"self": None}),
        (PAY, {}),
        (PAY, {"form": {}, "_actor": "root"}),
        (f"{ROOT}hydrate_and_load", {"vars": {"nothing.at_all": 1}}),
        (f"{ROOT}hydrate_and_load", {"hashes": 7}),
    ],
)
async def test_arguments_that_no_page_sends_close_the_connection(
    name: str, payload: dict[str, object]
) -> None:
    heard, answers = await _passed(_event(name, **payload), _event(OURS))
    assert (heard, [answer["type"] for answer in answers]) == ([], ["websocket.close"])


async def test_a_page_connects_with_what_it_was_built_with() -> None:
    text = _event(f"{ROOT}hydrate_and_load", hashes=["a" * 16, "b" * 16])
    assert await _passed(text) == ([text], [])


@pytest.mark.parametrize("length", [10, 60_000])
async def test_a_report_of_a_script_error_is_dropped_and_the_connection_stays(length: int) -> None:
    crash = _event(CRASH, info="a\n" * length, component_stack="")
    with capture_logs() as logs:
        heard, answers = await _passed(crash, crash, _event(OURS), crash)
    assert (heard, answers) == ([_event(OURS)], [])
    assert [line["event"] for line in logs] == ["page_error"]
    assert len(logs[0]["text"]) <= 500


async def test_a_report_in_disguise_closes_the_connection() -> None:
    text = _event(CRASH, info="x").replace("handle", "\\u0068andle")
    heard, answers = await _passed(text)
    assert heard == []
    assert answers[0]["type"] == "websocket.close"


async def test_only_organizers_send_large_frames() -> None:
    text = _event(PAY, form={"description": "d" * 10_000})
    assert (await _passed(text))[0] == []
    assert (await _passed(text, largest=frames.LARGEST_OF_ORGANIZERS))[0] == [text]


def _routed(**router: object) -> str:
    sent = {"name": OURS, "payload": {}, "router_data": router}
    return f"42/_event,{json.dumps(['event', sent])}"


async def test_router_data_is_reduced_to_what_pages_send() -> None:
    long = "/book/" + "x" * 1_500
    odd = _routed(pathname=long, asPath=long, query={"a": "b" * 2_500}, headers={"x": "y"})
    ((kind, event),) = [json.loads(text.partition(",")[2]) for text in (await _passed(odd))[0]]
    assert kind == "event"
    assert event["router_data"] == {"pathname": long[:512], "asPath": long[:512]}


async def test_the_first_frame_of_a_page_brings_its_event_along_trimmed() -> None:
    router = {"pathname": "/book/gala", "asPath": "/book/gala?a=1", "query": {"a": "1"}}
    event = {"name": f"{ROOT}hydrate_and_load", "payload": {}, "router_data": router}
    sound = f"40/_event,{json.dumps({'event': event, 'state_schema': 'x'})}"
    assert await _passed(sound) == ([sound], [])
    event["router_data"] = {**router, "sid": "x" * 1_000}
    ((heard,), answers) = await _passed(f"40/_event,{json.dumps({'event': event})}")
    assert (json.loads(heard[10:])["event"]["router_data"], answers) == (router, [])


@pytest.mark.parametrize(
    "router",
    [
        *([], "x", {"pathname": 1}, {"asPath": None}, {"query": "x"}),
        *({"pathname": "/bookings/%00"}, {"asPath": "/book/a\0b"}, {"asPath": "/book/\ud83d"}),
    ],
)
async def test_router_data_of_another_shape_closes_the_connection(router: object) -> None:
    sent = {"name": OURS, "payload": {}, "router_data": router}
    heard, answers = await _passed(f"42/_event,{json.dumps(['event', sent])}")
    assert (heard, answers[0]["type"]) == ([], "websocket.close")


async def test_events_beyond_a_burst_wait_and_the_heartbeat_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(frames.asyncio, "sleep", sleep)
    heard, _ = await _passed(*["3"] * 200, *[_event(OURS)] * 100)
    assert len(heard) == 300
    # Each waits 1/20 s longer than the one before, for the clock stands still here.
    assert len(waits) == 60
    assert 2.5 < max(waits) <= 3


async def test_a_long_event_counts_as_several(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    monkeypatch.setattr(frames.asyncio, "sleep", nap)
    largest = frames.LARGEST_OF_ORGANIZERS
    long = _event(PAY, form={"description": "d" * (largest - 1024)})
    assert len((await _passed(long, long, largest=largest))[0]) == 2
    assert naps == []
    assert len((await _passed(long, long, long, long, largest=largest))[0]) == 4
    assert len(naps) == 2
