"""Pictures from outside: what is taken is painted anew, what is not is refused with a reason."""

from __future__ import annotations

import asyncio
import io
import random
import secrets
import struct
import zlib
from collections.abc import AsyncGenerator
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from PIL import Image

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.errors import InvalidRequest
from surge_app.services.events.covers import LARGEST_UPLOAD
from surge_app.services.events.new_event import NewEvent, NewTier
from tests.conftest import NewSale, Surge

SIZE = (1200, 630)


@pytest_asyncio.fixture
async def organizer(surge: Surge) -> AsyncGenerator[httpx.AsyncClient]:
    """A signed-in organizer, by session."""
    async with httpx.AsyncClient(base_url=surge.url, timeout=60) as http:
        await http.get("/admin", auth=surge.organizer)
        yield http


@pytest_asyncio.fixture
async def draft(services: Container) -> str:
    """An event nobody but organizers sees."""
    tiers = (NewTier("General", 50_000, 5),)
    slug = f"draft-{secrets.token_hex(4)}"
    starts_at = utc_now() + timedelta(days=20)
    new = NewEvent(
        slug=slug, name="Not yet", venue="The hall", starts_at=starts_at, tiers=tiers, is_draft=True
    )
    return await services.organizer.create(new, actor="test")


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _frames(kind: str) -> bytes:
    first, second = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")
    return _saved(first, kind, save_all=True, append_images=[second], duration=100)


def _png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that says it is of a size, with whatever chunks."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def _hostile() -> dict[str, bytes]:
    photo = _saved(Image.new("RGB", (800, 600), "green"), "JPEG")
    bomb = zlib.compress(bytes(60 * 1024 * 1024), 9)
    return {
        "nothing": b"",
        "a drawing that is a program": b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        "a page": b"<!doctype html><script>alert(1)</script>",
        "an archive": b"PK\x03\x04" + bytes(60),
        "a gif": _frames("GIF"),
        "a tiff": _saved(Image.new("RGB", (64, 64)), "TIFF"),
        "a photograph that breaks off": photo[: len(photo) // 2],
        "a head without a picture": photo[:200],
        "a picture of a gigapixel": _png(32_000, 32_000, (b"IDAT", zlib.compress(b"\x00"))),
        "a small file that unfolds": _saved(Image.new("1", (9_000, 9_000)), "PNG"),
        "words that unfold": _png(
            8, 8, (b"zTXt", b"Comment\x00\x00" + bomb), (b"IDAT", zlib.compress(bytes(200)))
        ),
        "no size": _png(0, 0, (b"IDAT", zlib.compress(b""))),
    }


async def test_a_small_picture_is_refused_and_told_its_size(
    organizer: httpx.AsyncClient, new_sale: NewSale
) -> None:
    address = f"/api/admin/events/{await new_sale()}/cover"
    for size in ((50, 50), (599, 900), (1200, 314)):
        answer = await organizer.put(address, content=_saved(Image.new("RGB", size), "PNG"))
        assert answer.status_code == 422
        sentence = f"The picture is too small: {size[0]} × {size[1]} pixels. Nothing was saved."
        assert answer.json()["title"].startswith(sentence)
    least = _saved(Image.new("RGB", (600, 315)), "PNG")
    assert (await organizer.put(address, content=least)).is_success


async def test_what_is_no_picture_is_refused_with_a_sentence_and_changes_nothing(
    organizer: httpx.AsyncClient, new_sale: NewSale
) -> None:
    slug = await new_sale()
    address = f"/api/admin/events/{slug}/cover"
    for what, content in _hostile().items():
        # What a browser says it is counts for nothing.
        answer = await organizer.put(
            address, content=content, headers={"content-type": "image/png"}
        )
        assert answer.status_code == 422, (what, answer.text)
        assert answer.json()["code"] == "invalid_request", what
        assert "JPEG, PNG or WebP" in answer.json()["title"], what
    for kind in ("PNG", "WEBP"):
        answer = await organizer.put(address, content=_frames(kind))
        assert (answer.status_code, "animated" in answer.json()["title"]) == (422, True), kind
    assert (await organizer.get(f"/api/events/{slug}/cover.jpg")).status_code == 404


async def test_a_file_that_says_it_is_too_large_is_refused_before_it_is_sent(
    organizer: httpx.AsyncClient, new_sale: NewSale, surge: Surge
) -> None:
    slug = await new_sale()
    parts = urlsplit(surge.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    cookies = "; ".join(f"{name}={value}" for name, value in organizer.cookies.items())
    head = (
        f"PUT /api/admin/events/{slug}/cover HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Cookie: {cookies}\r\nContent-Length: {LARGEST_UPLOAD + 1}\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(60):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert answer.split()[1] == b"413"


async def test_a_picture_too_large_is_cut_off_also_when_it_does_not_say_so(
    organizer: httpx.AsyncClient, new_sale: NewSale, surge: Surge
) -> None:
    slug = await new_sale()

    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(LARGEST_UPLOAD // 65_536 + 8):
            yield bytes(65_536)

    # With connections of its own: the one that is cut off is no use for the next question.
    async with httpx.AsyncClient(
        base_url=surge.url, cookies=organizer.cookies, timeout=60
    ) as sender:
        try:
            answer = await sender.put(f"/api/admin/events/{slug}/cover", content=endless())
            assert answer.status_code >= 400
        except httpx.TransportError:
            # Cut off while it was still sending.
            pass
    assert (await organizer.get(f"/api/events/{slug}/cover.jpg")).status_code == 404


async def test_whatever_is_wrong_inside_a_file_it_is_taken_or_refused(
    services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale()
    lot = random.Random(6)
    noise = Image.frombytes("RGB", (48, 32), lot.randbytes(48 * 32 * 3)).resize((624, 416))
    outcomes: set[str] = set()
    for kind in ("JPEG", "PNG", "WEBP"):
        whole = _saved(noise, kind)
        for _ in range(40):
            spoiled = bytearray(whole)
            for _ in range(lot.randrange(1, 6)):
                spoiled[lot.randrange(len(spoiled))] = lot.randrange(256)
            try:
                await services.covers.save(slug, bytes(spoiled), actor="test")
                outcomes.add("taken")
            except InvalidRequest:
                outcomes.add("refused")
    assert outcomes == {"taken", "refused"}


async def test_nothing_of_the_file_itself_is_kept_and_the_picture_is_upright(
    organizer: httpx.AsyncClient, new_sale: NewSale
) -> None:
    slug = await new_sale()
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "Described", 6
    exif.get_ifd(0x8825)[1] = "N"
    sideways = Image.new("RGB", (630, 1200), "blue")
    # Turned by the camera: its left half is what is above.
    sideways.paste("red", (0, 0, 315, 1200))
    photo = _saved(sideways, "JPEG", exif=exif, comment=b"Commented", icc_profile=b"Profiled")
    photo += b"<script>Appended</script>"
    sent = await organizer.put(f"/api/admin/events/{slug}/cover", content=photo)
    assert sent.status_code == 200, sent.text
    event = (await organizer.get(f"/api/events/{slug}")).json()
    assert event["cover"].endswith(sent.json()["digest"])
    kept = (await organizer.get(event["cover"])).content
    for word in (b"Described", b"Commented", b"Profiled", b"Appended", b"Exif"):
        assert word not in kept
    picture = Image.open(io.BytesIO(kept))
    assert (picture.format, picture.size) == ("JPEG", SIZE)
    assert picture.getpixel((600, 60))[0] > 200
    assert picture.getpixel((600, 570))[2] > 200


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "CMYK", "I;16", "1", "L"])
async def test_a_picture_of_any_kind_of_colour_is_taken_and_white_shines_through(
    mode: str, services: Container, new_sale: NewSale
) -> None:
    slug = await new_sale()
    options: dict[str, object] = {"transparency": 0} if mode == "P" else {}
    upload = _saved(Image.new(mode, (800, 600)), "JPEG" if mode == "CMYK" else "PNG", **options)
    await services.covers.save(slug, upload, actor="test")
    picture = Image.open(io.BytesIO(await services.covers.picture(slug)))
    shines_through = mode in {"RGBA", "LA", "P", "CMYK"}
    assert picture.getpixel((600, 300)) == ((255, 255, 255) if shines_through else (0, 0, 0))


async def test_only_organizers_of_this_site_change_a_picture_or_see_that_of_a_draft(
    organizer: httpx.AsyncClient, draft: str, surge: Surge, services: Container
) -> None:
    address = f"/api/admin/events/{draft}/cover"
    photo = _saved(Image.new("RGB", (800, 600), "teal"), "PNG")
    door = f"door-{secrets.token_hex(4)}"
    await services.admin_access.add_account(door, role="door", password="the way in", actor="test")
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as stranger:
        for method in ("PUT", "DELETE", "GET"):
            content = photo if method == "PUT" else None
            nobody = await stranger.request(method, address, content=content)
            assert nobody.status_code == 401, method
            scanner = await stranger.request(
                method, address, content=content, auth=(door, "the way in")
            )
            assert scanner.status_code == 403, method
    for header in ({"origin": "https://example.org"}, {"sec-fetch-site": "cross-site"}):
        foreign = await organizer.put(address, content=photo, headers=header)
        assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    missing = await organizer.put("/api/admin/events/no-such/cover", content=photo)
    assert missing.status_code == 404
    assert (await organizer.delete(address)).status_code == 404
    assert (await organizer.get(address)).headers["content-type"] == "image/svg+xml"
    assert (await organizer.put(address, content=photo)).status_code == 200
    own = await organizer.get(address)
    assert own.headers["content-type"] == "image/jpeg"
    assert "no-store" in own.headers["cache-control"]
    # No visitor learns of it before the event is published.
    assert (await organizer.get(f"/api/events/{draft}/cover.jpg")).status_code == 404
    copy = await organizer.post(
        f"/api/admin/events/{draft}/duplicate",
        json={"slug": f"{draft}-copy", "starts_at": "2099-01-01T10:00:00Z"},
    )
    assert copy.status_code == 201
    copied = await organizer.get(f"/api/admin/events/{draft}-copy/cover")
    assert copied.content == own.content
    assert (await organizer.delete(address)).json() == {"digest": ""}
    assert (await organizer.get(address)).headers["content-type"] == "image/svg+xml"


async def test_a_picture_someone_else_chose_is_not_replaced_or_removed_unseen(
    organizer: httpx.AsyncClient, new_sale: NewSale
) -> None:
    address = f"/api/admin/events/{await new_sale()}/cover"
    mine, theirs = (
        _saved(Image.new("RGB", (1200, 630), colour), "PNG") for colour in ("red", "blue")
    )
    digest = (await organizer.put(address, content=theirs, params={"was": ""})).json()["digest"]
    for answer in (
        await organizer.put(address, content=mine, params={"was": ""}),
        await organizer.delete(address, params={"was": ""}),
    ):
        body = answer.json()
        assert (answer.status_code, body["code"]) == (409, "changed_meanwhile")
        assert body["digest"] == digest
        assert "Nothing was saved." in body["title"]
    # Now it was seen.
    changed = await organizer.put(address, content=mine, params={"was": digest})
    assert changed.is_success
    removed = await organizer.delete(address, params={"was": changed.json()["digest"]})
    assert removed.json() == {"digest": ""}


async def test_a_draft_is_previewed_by_organizers_and_by_nobody_else(
    organizer: httpx.AsyncClient, draft: str, surge: Surge
) -> None:
    preview = (await organizer.get(f"/api/admin/events/{draft}/preview")).json()
    assert (preview["name"], preview["status"]) == ("Not yet", "on_sale")
    assert (await organizer.get(preview["cover"])).status_code == 200
    assert (await organizer.get("/api/admin/events/no-such/preview")).status_code == 404
    page = await organizer.get(f"/admin/events/{draft}/preview")
    assert page.status_code == 200
    assert "noindex" in page.headers["x-robots-tag"]
    for path in (f"/api/events/{draft}", f"/events/{draft}"):
        assert (await organizer.get(path)).status_code == 404
    assert (await organizer.post(f"/api/queue/{draft}")).status_code == 404
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as stranger:
        for path in (f"/api/admin/events/{draft}/preview", f"/admin/events/{draft}/preview"):
            assert (await stranger.get(path)).status_code == 401


async def test_the_framework_takes_no_files_beside_ours(organizer: httpx.AsyncClient) -> None:
    for path in ("/_upload", "/_upload/x"):
        answer = await organizer.post(path)
        assert answer.status_code in {404, 405}, path


@pytest.mark.parametrize(("at", "colour"), [(0, "red"), (100, "blue")])
async def test_the_organizer_chooses_which_part_of_a_picture_is_shown(
    at: int, colour: str, organizer: httpx.AsyncClient, draft: str
) -> None:
    tall = Image.new("RGB", (1200, 2000), "red")
    tall.paste("blue", (0, 1000, 1200, 2000))
    path = f"/api/admin/events/{draft}/cover"
    saved = await organizer.put(path, content=_saved(tall, "PNG"), params={"at": at})
    assert saved.status_code == 200
    shown = Image.open(io.BytesIO((await organizer.get(path)).content)).convert("RGB")
    assert shown.size == SIZE
    wanted = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    for corner in ((5, 5), (1195, 625)):
        found = shown.getpixel(corner)
        assert isinstance(found, tuple)
        assert isinstance(wanted, tuple)
        assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 12
    refused = await organizer.put(path, content=_saved(tall, "PNG"), params={"at": 101})
    assert refused.status_code == 422
