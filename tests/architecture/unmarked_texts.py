"""Texts of pages that no marker brings into the catalogues."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FOLDERS = ("pages", "components")
_MARKERS = {"_", "A_", "N_", "gettext", "ngettext"}
# Their texts are names for machines.
_NAMING = {"component", "function", "module", "Literal", "Var", "make_dataclass", "partition"}
_NAMING_KEYWORDS = {"class_name", "custom_attrs", "href", "id", "rel", "style"}
_WORDS = re.compile(r"[^A-Za-z]*(?:[A-Z][a-z]|[a-z]+[,.]? [a-z])")
# The name of the software, and the label of a field that only scripts read.
_SAME_EVERYWHERE = {" · Surge", "Website"}
_NO_WORDS = re.compile(r"[\w-]+/\S*|\W*")
_TEMPLATES = ROOT / "surge_app" / "edge" / "templates"
_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<script.*?</script>", re.DOTALL)
_SHOWN = re.compile(r"""(?<=>)[^<>]+|(?:alt|aria-label|placeholder|title)="([^"]*)\"""")


def unmarked_texts() -> list[str]:
    """Return each text that a page shows and that is in no catalogue, with its place."""
    return [
        f"{path.relative_to(ROOT)}:{line}: no marker: {text}"
        for folder in _FOLDERS
        for path in sorted((ROOT / "surge_app" / folder).rglob("*.py"))
        for line, text in _texts(ast.parse(path.read_text("utf-8")), is_shown=False)
    ] + [
        f"{path.relative_to(ROOT)}: no marker: {text}"
        for path in sorted(_TEMPLATES.glob("*.html"))
        for text in _template_texts(path.read_text("utf-8"))
    ]


def _template_texts(template: str) -> Iterator[str]:
    for found in _SHOWN.finditer(_CODE.sub("", template)):
        text = found[1] or found[0]
        if _WORDS.match(text) and text.rstrip() not in _SAME_EVERYWHERE:
            yield " ".join(text.split())


def _texts(node: ast.AST, *, is_shown: bool) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Call):
        yield from _arguments(node)
    elif isinstance(node, ast.Constant | ast.JoinedStr):
        text = _literal(node)
        is_text = _WORDS.match(text) and not _NO_WORDS.fullmatch(text)
        if is_shown and is_text and text not in _SAME_EVERYWHERE:
            yield node.lineno, text
    else:
        goes_on = isinstance(node, ast.Tuple | ast.List | ast.Starred | ast.IfExp | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from _texts(child, is_shown=is_shown and goes_on)


def _arguments(call: ast.Call) -> Iterator[tuple[int, str]]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in _MARKERS:
        return
    is_text = name not in _NAMING
    for argument in call.args:
        yield from _texts(argument, is_shown=is_text)
    for keyword in call.keywords:
        if keyword.arg not in _NAMING_KEYWORDS:
            yield from _texts(keyword.value, is_shown=is_text)


def _literal(node: ast.Constant | ast.JoinedStr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    values = [part.value for part in parts if isinstance(part, ast.Constant)]
    return "".join(value for value in values if isinstance(value, str))
