"""Texts that people read and that no marker brings into the catalogues."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PAGES = ("pages", "components")
# Their sentences are read by visitors, buyers or organizers; those of the command line and of
# settings are read by operators, in English.
_FOLDERS = (*_PAGES, "api", "edge", "models", "rehearsal", "services", "state")
_NOT_READ = {
    "api/openapi.py",
    "rehearsal/reporting/terminal.py",
    "services/vendors/circuit_breaker.py",
    "services/vendors/sandbox_credentials.py",
}
_MARKERS = {"_", "A_", "N_", "gettext", "ngettext", "pgettext"}
# These look up what a constant holds; the others take the sentence itself.
_LOOK_UPS = {"_", "gettext"}
# Their texts are names for machines.
_NAMING = {"component", "function", "module", "Literal", "Var", "make_dataclass", "partition"}
_NAMING_KEYWORDS = {"class_name", "custom_attrs", "href", "id", "rel", "style"}
# Operators, developers and programs read these, in English.
_IN_ENGLISH = {
    "BadSignature",
    "BaseExceptionGroup",
    "ConfigurationError",
    "CounterMetricFamily",
    "DocumentedApi",
    "ExceptionGroup",
    "GaugeMetricFamily",
    "Query",
    "RuntimeError",
    "TypeError",
    "ValueError",
}
# These show whatever they get, a sentence or not.
_SHOWING = {"record_fault"}
_WORDS = re.compile(r"[^A-Za-z]*(?:[A-Z][a-z]|[a-z]+[,.]? [a-z])")
_SENTENCE = re.compile(
    r"[^A-Za-z]*[A-Z][a-z']+,? [A-Za-z]|.*[a-z]{2},? [a-z]+.*[a-z][.?!]$", re.DOTALL
)
# The name of the software, a field that only scripts fill in, a picture and a header that every
# reader shares, and what a registered SMS is compared by.
_SAME_EVERYWHERE = {
    " · Surge",
    "Website",
    "Tickets by Surge",
    'Basic realm="Surge organizer", charset="UTF-8"',
    "Monsoon Beats, Goa",
    "The old mill, Panaji",
}
_NO_WORDS = re.compile(r"[\w-]+/\S*|\W*")
_TEMPLATES = ("edge", "rehearsal/reporting", "services/messaging")
_CODE = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<script.*?</script>|<style.*?</style>", re.DOTALL
)
_SHOWN = re.compile(r"""(?<=>)[^<>]+|(?:alt|aria-label|placeholder|title)="([^"]*)\"""")


def unmarked_texts() -> list[str]:
    """Return each text that a reader meets and that is in no catalogue, with its place."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {fault}"
        for folder in _FOLDERS
        for path in sorted((ROOT / "surge_app" / folder).rglob("*.py"))
        if str(path.relative_to(ROOT / "surge_app")) not in _NOT_READ
        for line, fault in sorted(faults_in(path.read_text("utf-8"), is_page=folder in _PAGES))
    ] + [
        f"{path.relative_to(ROOT)}: no marker: {text}"
        for folder in _TEMPLATES
        for path in sorted((ROOT / "surge_app" / folder / "templates").glob("*.html"))
        for text in _template_texts(path.read_text("utf-8"))
    ]


def faults_in(source: str, *, is_page: bool) -> set[tuple[int, str]]:
    """Return the line and the fault of each text of a module.

    Args:
        source: Of the module.
        is_page: Whether every text that a call gets is shown, a sentence or not.
    """
    tree = ast.parse(source)
    texts = set(_sentences(tree))
    if is_page:
        texts |= set(_texts(tree, is_shown=False))
    return {(line, f"no marker: {text}") for line, text in texts} | set(_hidden(tree))


def _hidden(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find the marked sentences that the extraction cannot read."""
    formatted = {
        call
        for part in ast.walk(tree)
        if isinstance(part, ast.FormattedValue)
        for call in ast.walk(part)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args and _name(node) in _MARKERS):
            continue
        first = node.args[0]
        is_literal = isinstance(first, ast.Constant)
        if node in formatted and is_literal:
            yield node.lineno, f"inside an f-string: {first.value}"
        is_built = isinstance(first, ast.JoinedStr | ast.BinOp) or (
            isinstance(first, ast.Call) and _name(first) == "format"
        )
        if is_built or not (is_literal or _name(node) in _LOOK_UPS):
            yield node.lineno, f"no literal: {ast.unparse(first)}"


def _sentences(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Call) and _name(node) in _MARKERS | _IN_ENGLISH | _NAMING:
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Call) and _name(node) in _SHOWING:
        yield from _texts(node, is_shown=True)
    if isinstance(node, ast.Constant | ast.JoinedStr):
        text = _literal(node)
        if _SENTENCE.match(text) and text not in _SAME_EVERYWHERE:
            yield node.lineno, text
    for child in _children(node):
        yield from _sentences(child)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Return the parts of a node that may hold a text for readers."""
    if isinstance(node, ast.JoinedStr):
        yield from (part for part in node.values if not isinstance(part, ast.Constant))
        return
    if isinstance(node, ast.Dict):
        # What an API documents of an answer.
        yield from (
            value
            for key, value in zip(node.keys, node.values, strict=True)
            if not (isinstance(key, ast.Constant) and key.value == "description")
        )
        return
    for name, value in ast.iter_fields(node):
        if name == "decorator_list":
            continue
        parts = value if isinstance(value, list) else [value]
        for part, following in pairwise([*parts, None]):
            if isinstance(part, ast.AST) and not _is_for_operators(following):
                yield part


def _is_for_operators(following: object) -> bool:
    """Return whether a statement raises, with the sentence of the one before, what they read."""
    return (
        isinstance(following, ast.Raise)
        and isinstance(following.exc, ast.Call)
        and _name(following.exc) in _IN_ENGLISH
    )


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
    if _name(call) in _MARKERS:
        return
    is_text = _name(call) not in _NAMING
    for argument in call.args:
        yield from _texts(argument, is_shown=is_text)
    for keyword in call.keywords:
        if keyword.arg not in _NAMING_KEYWORDS:
            yield from _texts(keyword.value, is_shown=is_text)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _literal(node: ast.Constant | ast.JoinedStr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    values = [part.value for part in parts if isinstance(part, ast.Constant)]
    return "".join(value for value in values if isinstance(value, str))
