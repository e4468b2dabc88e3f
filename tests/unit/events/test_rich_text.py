"""A description with lists and links, and nothing in it that a page would execute."""

from __future__ import annotations

import pytest

from surge_app.services.events.rich_text import TextPart, rich_text


def _kinds(text: str) -> list[tuple[str, list[str]]]:
    return [
        (block.kind, ["".join(part.text for part in line.parts) for line in block.lines])
        for block in rich_text(text)
    ]


def _links(text: str) -> list[tuple[str, str]]:
    parts = [part for block in rich_text(text) for line in block.lines for part in line.parts]
    return [(part.text, part.href) for part in parts if part.href]


def test_lists_headings_and_paragraphs_are_told_apart() -> None:
    text = "One night.\nTwo bands.\n\n# Line-up\n- Asha\n• Ravi\n\n1. Come\n2) Dance\n"
    assert _kinds(text) == [
        ("paragraph", ["One night.", "Two bands."]),
        ("heading", ["Line-up"]),
        ("list", ["Asha", "Ravi"]),
        ("steps", ["Come", "Dance"]),
    ]
    assert rich_text(" \n\n") == ()


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://a.example/b?c=d&e=f.", [("https://a.example/b?c=d&e=f",) * 2]),
        ("(www.a.example)", [("www.a.example", "https://www.a.example")]),
        ("https://a.example/x_(y), then", [("https://a.example/x_(y)",) * 2]),
        ("Ask help@acme.example!", [("help@acme.example", "mailto:help@acme.example")]),
        ("javascript:alert(1) data:text/html,x //a.example", []),
        ("<a href='https://a.example'>", [("https://a.example",) * 2]),
    ],
)
def test_only_addresses_of_the_web_and_of_mailboxes_are_links(
    text: str, links: list[tuple[str, str]]
) -> None:
    assert _links(text) == links


def test_no_letter_is_lost_and_markup_stays_text() -> None:
    text = '<script>alert("1")</script> https://a.example, [x](y) & more'
    (block,) = rich_text(text)
    assert "".join(part.text for part in block.lines[0].parts) == text
    assert TextPart('<script>alert("1")</script> ') in block.lines[0].parts
