"""Leave parts of Reflex out of the build that no page of Surge uses."""

from __future__ import annotations

import re
from typing import Any

import reflex as rx

# Whole libraries on `window`, for components that a server sends as text; Surge sends none.
_IMPORTS = re.compile(r"^import \* as \w+ from .*\n", re.MULTILINE)
_LIBRARIES = re.compile(r"window\.__reflex = \{[^}]*\};")


class LeanBuild(rx.plugins.Plugin):
    """Let the bundler drop what is never imported by name."""

    def pre_compile(self, **context: Any) -> None:
        """Change the root of the pages before it is written."""
        context["add_modify_task"]("app/root.jsx", _without_libraries)


def _without_libraries(root: str) -> str:
    without, found = _LIBRARIES.subn("", root)
    if found != 1:
        msg = "The root of the pages exposes no libraries; Reflex has changed."
        raise ValueError(msg)
    return _IMPORTS.sub("", without)
