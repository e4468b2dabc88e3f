"""What a machine can check of the house style: English, docstrings of constructors, dead code.

`python -m tests.architecture.house_style` prints every fault and exits with 1 if there is one.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).parents[2]
CODE = ROOT / "surge_app"
# Sentences start with a noun: "A visitor who waits", not "Who waits".
_WHO_FIRST = re.compile(r'\s*(?:# |"{3}|\w+: )(?:Who|Whoever|Nobody) [a-z]')
_PRONOUN_FIRST = re.compile(r"(?:^|[.;:] )(?:Who|Whoever|What) [a-z]+ [^?]*(?:[^?]$|$)")
_BANNED = re.compile(
    r"\b(?:nobody|somebody|everybody|anybody|whoever|by itself|by themselves|as it stands)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"`[^`]*`")
_PRONOUN_DOCSTRING = re.compile(
    r"(?:Who|Whoever|Whose|What|Which|Where|How|It|They|Nothing|Everything|Everyone)\b"
)
# The user of a system, and an address of nobody.
_NO_SENTENCE = re.compile(r"\S*\Z")
# Fields are read by name where they are serialized, so only code can be called dead.
_DEAD_KINDS = {"function", "method", "class", "property", "unreachable_code"}
# Words of the glossary's "never" column, as they would stand in a name.
_OLD_WORDS = {
    *("anybody", "everybody", "guest", "nobody", "people", "person", "persons", "somebody", "who"),
    *("board", "boards", "bookkeeping", "cold", "course", "desk", "door", "doors", "hot", "inbox"),
    *("finding", "findings", "flights", "gate", "gates", "kept", "place", "places", "promise"),
    *("promises", "seat", "seats", "told", "tries", "verdict", "verdicts", "whoever", "wish"),
    "wishes",
}
# Members of the public contract and of the database keep their names.
_PUBLIC_NAMES = {"checked_in_gate", "doors_open_at", "gate", "max_per_person", "promise", "verdict"}
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
# Limits are `_MAX_…` and `_MIN_…`.
_OLD_LIMIT = re.compile(r"_?(?:MOST|LEAST|FEWEST|AT_ONCE|FLIGHTS|TRIES)(?:_|$)")
# Called by a library, by the name it fixes.
_HOOKS = [
    "pre_compile",
    "add_imports",
    "add_custom_code",
    "connection_made",
    "connection_lost",
    "data_received",
    "preprocess",
    "dump",
    "__init_subclass__",
]
_HOOKS += ["get_static_assets", "get_connection", "log_request", "log_response", "_build_client"]
# Decorators that register what they decorate.
_REGISTERING = ["@*.get", "@*.post", "@*.put", "@*.patch", "@*.delete", "@*.command", "@*.callback"]
_REGISTERING += ["@*_validator", "@rx.*", "@*.exception_handler", "@pytest.fixture"]


def documents(root: Path = ROOT) -> list[Path]:
    """List the documents that people edit; accepted decisions stay as they were written."""
    return [
        path
        for path in [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
        if path.name not in {"CHANGELOG.md", "glossary.md"} and not _is_old_decision(path)
    ]


def _is_old_decision(path: Path) -> bool:
    return path.parent.name == "decisions" and path.name < "0025"


def modules(root: Path = CODE) -> list[Path]:
    """List the Python modules of a package."""
    return sorted(root.rglob("*.py"))


def english_faults(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line with a pronoun as its subject, or a banned word."""
    for number, line in enumerate(text.splitlines(), 1):
        sentence = _CODE.sub("`", line).strip(" #>*-|\"'")
        if _PRONOUN_FIRST.search(sentence) or _BANNED.search(sentence):
            yield number, line.strip()


def source_faults(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each banned word in a sentence of a module, and each riddle."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in {tokenize.STRING, tokenize.COMMENT}:
            continue
        for number, line in enumerate(token.string.splitlines(), token.start[0]):
            is_banned = _BANNED.search(_CODE.sub("`", line)) and not _NO_SENTENCE.match(line)
            if is_banned or _WHO_FIRST.match(line):
                yield number, line.strip()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node) or ""
            if _PRONOUN_DOCSTRING.match(docstring):
                yield getattr(node, "lineno", 1), docstring.splitlines()[0]


def constructor_docstrings(source: str) -> Iterator[int]:
    """Yield the line of each `__init__` that has a docstring."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.FunctionDef)
            and node.name == "__init__"
            and ast.get_docstring(node) is not None
        ):
            yield node.lineno


def old_names(source: str, path: str = "") -> Iterator[str]:
    """Yield each name that a module binds, its own included, that has an old word in it."""
    bound = set(path.removesuffix(".py").split("/"))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            bound.add(node.attr)
    for name in sorted(bound - _PUBLIC_NAMES):
        words = {word.lower() for word in _WORD.findall(name)}
        if words & _OLD_WORDS or _OLD_LIMIT.match(name):
            yield name


def dead_code(root: Path = ROOT) -> list[str]:
    """List code of the application that neither it, its tests nor the bench uses."""
    found = Vulture(ignore_names=_HOOKS, ignore_decorators=_REGISTERING)
    found.scavenge([str(root / name) for name in ("surge_app", "tests", "bench", "rxconfig.py")])
    return [
        f"{item.filename.relative_to(root)}:{item.first_lineno}: {item.message}"
        for item in found.get_unused_code(min_confidence=60)
        if item.typ in _DEAD_KINDS and (root / "surge_app") in item.filename.parents
    ]


def faults() -> list[str]:
    """List every fault of the repository."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in documents()
        for number, line in english_faults(path.read_text("utf-8"))
    ]
    found += [
        f"{path.relative_to(ROOT)}:{number}: a docstring on __init__"
        for path in modules()
        for number in constructor_docstrings(path.read_text("utf-8"))
    ]
    found += [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in modules()
        for number, line in source_faults(path.read_text("utf-8"))
    ]
    for path in [*modules(), *modules(ROOT / "bench")]:
        name = str(path.relative_to(ROOT))
        found += [f"{name}: the name {old}" for old in old_names(path.read_text("utf-8"), name)]
    return found + dead_code()


if __name__ == "__main__":
    FAULTS = faults()
    sys.stdout.write("".join(f"{fault}\n" for fault in FAULTS))
    sys.exit(bool(FAULTS))
