"""What is forged, stolen, replayed or too old: the same plain refusal as for nothing at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx
import pytest
from itsdangerous import TimestampSigner

from surge_app.container import Container
from surge_app.services.access.identity import Identity
from tests.conftest import NewBuyer, NewSale, Surge
from tests.integration.raw_socket import handshake

YEARS_AGO = 3 * 365 * 24 * 3600
ELSEWHERE = Identity(("another installation's key, quite long",), secure=False)
PURPOSES = ("visitor", "pass", "booking", "admin", "booking-link")


@dataclass(frozen=True)
class Forger:
    """Makes values that look like ours."""

    identity: Identity
    outdated: Callable[[str, object], str]

    def wrong(self, purpose: str, value: object) -> dict[str, str]:
        """Everything that is not the value signed here, for this purpose, a short while ago."""
        genuine = self.identity._signer(purpose).dumps(value)
        body, _, signature = genuine.rpartition(".")
        swapped = {
            f"signed as {other}": self.identity._signer(other).dumps(value)
            for other in PURPOSES
            if other != purpose
        }
        return {
            "empty": "",
            "garbage": "x",
            "unsigned": body,
            "without a signature": f"{body}.",
            "with the signature of something else": f"{body}.{signature[::-1]}",
            "cut short": genuine[:-1],
            "signed elsewhere": ELSEWHERE._signer(purpose).dumps(value),
            "too old": self.outdated(purpose, value),
            **swapped,
        }

    def cookies(self, name: str, purpose: str, value: object) -> dict[str, dict[str, str]]:
        """The same, as cookies to send."""
        return {label: {name: wrong} for label, wrong in self.wrong(purpose, value).items()}


@pytest.fixture
def forger(services: Container, monkeypatch: pytest.MonkeyPatch) -> Forger:
    def outdated(purpose: str, value: object) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(TimestampSigner, "get_timestamp", lambda _: int(time.time()) - YEARS_AGO)
            return services.identity._signer(purpose).dumps(value)

    return Forger(services.identity, outdated)


async def _answers(
    surge: Surge, method: str, path: str, tries: Mapping[str, Mapping[str, str]]
) -> set[tuple[int, str, str]]:
    """Return every different answer to the same call with different cookies."""
    found: set[tuple[int, str, str]] = set()
    for cookies in tries.values():
        async with httpx.AsyncClient(base_url=surge.url, cookies=dict(cookies)) as http:
            answer = await http.request(method, path)
            found.add((answer.status_code, answer.headers.get("location", ""), answer.text))
    return found


async def test_a_wrong_visitor_is_nobody(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container, surge: Surge, forger: Forger
) -> None:
    buyer = new_buyer(await new_sale())
    await buyer.join()
    intent = (await buyer.hold()).json()["id"]
    header = "; ".join(f"{name}={value}" for name, value in buyer.http.cookies.items())
    visitor_id = services.identity.visitor_id(header)
    tries = {
        "nobody": {},
        **{
            name: {"surge_visitor": value}
            for name, value in forger.wrong("visitor", visitor_id).items()
        },
        "somebody else": {"surge_visitor": forger.identity._signer("visitor").dumps("another")},
    }
    for method, path in (
        ("GET", f"/api/intents/{intent}"),
        ("DELETE", f"/api/intents/{intent}"),
        ("POST", f"/api/intents/{intent}/heartbeat"),
        ("GET", "/api/intents/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
    ):
        ((status, _, text),) = await _answers(surge, method, path, tries)
        assert (status, '"not_found"' in text) == (404, True), path
    assert (await buyer.http.get(f"/api/intents/{intent}")).json()["status"] == "held"


async def test_a_wrong_booking_cookie_or_token_finds_nothing(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, forger: Forger
) -> None:
    slug = await new_sale()
    ref, other = await new_buyer(slug).buy(), await new_buyer(slug).buy()
    cookies = {
        "nobody": {},
        "the cookie of another booking": {
            "surge_booking": forger.identity._signer("booking").dumps([other])
        },
        **{
            name: {"surge_booking": value} for name, value in forger.wrong("booking", [ref]).items()
        },
    }
    tokens = {
        **forger.wrong("booking-link", ref),
        "of another booking": forger.identity.booking_token(other),
    }
    paths = ["/bookings/{}", "/api/bookings/{}", "/api/bookings/{}/tickets.pdf"]
    paths += ["/api/bookings/{}/calendar.ics"]
    for path in paths:
        found = await _answers(surge, "GET", path.format(ref), cookies)
        # One that was never made is answered like one that is not yours.
        found |= await _answers(surge, "GET", path.format("SRG-ZZZZZZZZ"), cookies)
        for token in tokens.values():
            address = f"{path.format(ref)}?token={token}"
            found |= await _answers(surge, "GET", address, {"nobody": {}})
        ((status, location, _),) = found
        assert (status, location) == (404, ""), path


async def test_a_wrong_organizer_is_asked_to_sign_in(
    new_sale: NewSale, surge: Surge, forger: Forger
) -> None:
    slug = await new_sale()
    tries = {
        "nobody": {},
        **forger.cookies("surge_admin", "admin", surge.settings.admin_user),
    }
    for method, path in (
        ("GET", f"/api/admin/events/{slug}/stats"),
        ("GET", f"/api/admin/events/{slug}/participants.csv"),
        ("POST", f"/api/admin/events/{slug}/queue/pause"),
    ):
        ((status, _, text),) = await _answers(surge, method, path, tries)
        assert (status, '"unauthorized"' in text) == (401, True), path
    ((status, _, text),) = await _answers(surge, "GET", f"/admin/events/{slug}", tries)
    assert status == 401


ROUNDABOUT = (
    "/_event",
    "//_event/",
    "/./_event/",
    "/_event/../_event/",
    "/x/../_event/",
    "/_EVENT/",
    "/%5Fevent/",
    "/%5fevent/",
    "/_event%2F",
    "/%2F_event/",
    "/_event/%2e%2e/_event/",
    "/_event/x",
    "/_event;x/",
    "/_event%00/",
    "/",
    "/ws",
)


@pytest.mark.parametrize("path", ROUNDABOUT)
async def test_no_other_way_of_writing_it_opens_the_socket(path: str, surge: Surge) -> None:
    assert await handshake(surge.url, {}, path) == 403


@pytest.mark.parametrize("path", [path for path in ROUNDABOUT if "event" in path.lower()])
async def test_nor_does_the_polling_transport(path: str, surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url) as http:
        for method in ("GET", "POST"):
            query = {"EIO": "4", "transport": "polling"}
            url = httpx.URL(f"{surge.url}/").copy_with(raw_path=path.encode())
            request = http.build_request(method, url.copy_merge_params(query))
            answer = await http.send(request)
            assert answer.status_code in {403, 404, 405}, answer.text
            # What opens a session tells its number.
            assert '"sid"' not in answer.text


async def test_every_forged_right_is_refused_at_the_handshake(
    surge: Surge, services: Container, forger: Forger
) -> None:
    someone = services.identity.new_visitor()
    visitor_id, visitor = someone.id, services.identity.set_queue_cookie(someone)
    visitor_cookie = visitor.header.partition(";")[0].partition("=")[2]
    rights = {
        "surge_pass": ("pass", {"visitor": visitor_id, "events": ["a"]}),
        "surge_booking": ("booking", ["SRG-ABCDEFGH"]),
        "surge_admin": ("admin", "organizer"),
    }
    for name, (purpose, value) in rights.items():
        for wrong in forger.wrong(purpose, value).values():
            cookies = {"surge_visitor": visitor_cookie, name: wrong}
            assert await handshake(surge.url, cookies) == 403
