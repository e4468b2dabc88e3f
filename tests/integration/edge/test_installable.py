"""Surge on a phone's home screen: a manifest on each page, with icons of the right size."""

from __future__ import annotations

import io
import re

import httpx
import pytest
from PIL import Image

from tests.conftest import NewSale, Surge

_LINK = re.compile(r'<link [^>]*rel="manifest"[^>]*>')


@pytest.mark.parametrize(
    "path", ["/events", "/events/{slug}", "/queue/{slug}", "/bookings/find", "/help", "/nothing"]
)
async def test_every_page_names_the_manifest(path: str, new_sale: NewSale, surge: Surge) -> None:
    slug = await new_sale()
    async with httpx.AsyncClient(base_url=surge.url) as http:
        page = await http.get(path.format(slug=slug), headers={"accept": "text/html"})
    (link,) = _LINK.findall(page.text)
    assert 'href="/manifest.webmanifest"' in link


async def test_the_manifest_has_icons_for_every_home_screen(surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url) as http:
        answer = await http.get("/manifest.webmanifest")
        assert answer.headers["content-type"].startswith("application/manifest+json")
        assert answer.headers["cache-control"] == "public, max-age=86400"
        manifest = answer.json()
        assert (await http.get(manifest["start_url"])).status_code == 200
        assert {icon.get("purpose", "any") for icon in manifest["icons"]} == {"any", "maskable"}
        icons = {icon["src"]: icon["sizes"] for icon in manifest["icons"]}
        icons["/icons/apple-touch-icon.png"] = "180x180"
        for path, size in icons.items():
            icon = await http.get(path)
            assert (icon.headers["content-type"], icon.status_code) == ("image/png", 200)
            assert "x".join(map(str, Image.open(io.BytesIO(icon.content)).size)) == size
