"""Choosing the picture of an event; see `cover_upload.js`."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components.scripts.javascript import component

_CoverUpload = component("cover_upload", "CoverUpload", slug=str, digest=str, largest=int)


def cover_field(slug: Any, digest: Any, *, largest: int) -> rx.Component:
    """Create the picture of an event with the ways to change and to remove it.

    Args:
        digest: The name of its picture, empty while the cover is drawn.
        largest: How many bytes a picture may have.
    """
    return _CoverUpload.create(slug=slug, digest=digest, largest=largest)
