"""The scanner of the door, with everything it remembers while there is no network."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components.scanner_js import DOOR

_IMPORTS: dict[str, Any] = {
    "react": [rx.ImportVar(tag=name) for name in ("Fragment", "useEffect", "useRef", "useState")],
    "@emotion/react": [rx.ImportVar(tag="jsx")],
    "$/utils/state": [rx.ImportVar(tag="getBackendURL")],
    "$/env.json": [rx.ImportVar(tag="env", is_default=True)],
    # For browsers that read no codes by themselves.
    "jsqr@1.4.0": [rx.ImportVar(tag="jsQR", is_default=True)],
}


class _Scanner(rx.Component):
    tag = "SurgeDoor"

    slug: rx.Var[str]

    def add_imports(self) -> dict[str, Any]:
        return _IMPORTS

    def add_custom_code(self) -> list[str]:
        return [DOOR]


def scanner(slug: Any) -> rx.Component:
    """Create the scanner of an event.

    Args:
        slug: The event whose tickets it reads.
    """
    return _Scanner.create(slug=slug)
