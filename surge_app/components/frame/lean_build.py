"""Leave parts of Reflex out of the build that no page uses, and add the catalogues of pages."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import reflex as rx
from reflex.utils.prerequisites import get_web_dir

from surge_app.languages import languages
from surge_app.languages.page_files import page_files

# Whole libraries on `window`, for components that a server sends as text; Surge sends none.
_IMPORTS = re.compile(r"^import \* as \w+ from .*\n", re.MULTILINE)
_LIBRARIES = re.compile(r"window\.__reflex = \{[^}]*\};")


class LeanBuild(rx.plugins.Plugin):
    """Let the bundler drop what is never imported by name, and serve the sentences of pages."""

    def get_static_assets(self, **_context: Any) -> Sequence[tuple[Path, str | bytes]]:
        """Return the catalogues of pages."""
        files = {
            file
            for language, areas in page_files().items()
            if language.tag in languages()
            for file in areas.values()
        }
        return [(Path("public") / file.path, file.content) for file in files]

    def pre_compile(self, **context: Any) -> None:
        """Change the root of the pages before it is written, and drop catalogues of before."""
        shutil.rmtree(get_web_dir() / "public" / "languages", ignore_errors=True)
        context["add_modify_task"]("app/root.jsx", _without_libraries)


def _without_libraries(root: str) -> str:
    without, found = _LIBRARIES.subn("", root)
    if found != 1:
        msg = "The root of the pages exposes no libraries; Reflex has changed."
        raise ValueError(msg)
    return _IMPORTS.sub("", without)
