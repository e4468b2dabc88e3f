"""The catalogues of every language, against the sentences in the code.

`python -m tests.architecture.messages` writes new sentences into each catalogue and takes out what
no code uses. With `--check` it prints every fault and exits with 1 if there is one. A language
without `has_admin` needs the sentences of attendees alone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from surge_app.languages import SUPPORTED
from surge_app.languages.catalogue import key_of, path_of, read_catalogue
from surge_app.languages.page_files import ORGANIZERS_ALONE, is_for_organizers
from tests.architecture.unmarked_texts import unmarked_texts

ROOT = Path(__file__).parents[2]
_METHODS = [
    ("surge_app/**.py", "python"),
    ("surge_app/**/templates/**", "jinja2"),
    ("assets/js/**.js", "javascript"),
    ("surge_app/services/operations/invariants.sql", "tests.architecture.messages:invariants"),
]
_OPTIONS = {
    "surge_app/**/templates/**": {"silent": "false"},
    "assets/js/**.js": {"parse_template_string": "true"},
}
_KEYWORDS = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
_PARTS = (
    ("surge_app", _KEYWORDS, ""),
    ("assets/js", _KEYWORDS, ""),
    ("surge_app", {"A_": None}, ORGANIZERS_ALONE),
)
_PLACEHOLDER = re.compile(r"\{\w+\}")
# What git says as well, and what would change with each run.
_BY_GIT = re.compile(
    rb'^"(?:POT-Creation-Date|PO-Revision-Date|Generated-By|Report-Msgid-Bugs-To|Last-Translator'
    rb"|Language-Team|Project-Id-Version): .*\n",
    re.MULTILINE,
)
_INVARIANT = re.compile(r"-- [a-z_]+: (.+)")
_ENGLISH = "en"
_UNREAD = "\n# Not yet read by a native speaker."
MAX_LATE = 12
"""Changed sentences that attendees of a language without an admin area may read in English.

A change of the code does not wait for a translator of each language.
"""


def invariants(
    file: IO[bytes], keywords: Collection[str], *_: object, **_options: object
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Find the sentence of each invariant, for the extraction."""
    for number, line in enumerate(file, 1):
        if "N_" in keywords and (found := _INVARIANT.match(line.decode())):
            yield number, "N_", found[1], []


def extracted() -> Catalog:
    """Return every sentence of the code with the files that use it."""
    found = Catalog()
    for folder, keywords, mark in _PARTS:
        for path, _, message, _, context in extract_from_dir(
            ROOT / folder,
            [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in _METHODS],
            {pattern.removeprefix(f"{folder}/"): one for pattern, one in _OPTIONS.items()},
            keywords,
        ):
            found.add(message, None, [(f"{mark}{folder}/{path}", 0)], context=context)
    return found


def updated(tag: str, template: Catalog) -> bytes:
    """Return the PO file of a language with the sentences it is to have, and only these."""
    is_new = not path_of(tag).exists()
    known = Catalog(locale=tag, header_comment=_UNREAD) if is_new else read_catalogue(tag)
    new = Catalog(locale=tag, project="Surge", fuzzy=False)
    title = f"# Surge in {SUPPORTED[tag].name}; `make messages` updates this file."
    # The lines below it are the translators' own.
    new.header_comment = "\n".join([title, *known.header_comment.splitlines()[1:]])
    for message in _wanted(tag, template):
        first = message.id if isinstance(message.id, str) else message.id[0]
        old = known.get(first, message.context)
        same_kind = old is not None and isinstance(old.id, str) == isinstance(message.id, str)
        files = sorted(set(message.locations))
        new.add(
            message.id,
            old.string if old and same_kind else None,
            files,
            flags=old.flags if old and same_kind else (),
            user_comments=old.user_comments if old else (),
            context=message.context,
        )
    file = BytesIO()
    write_po(file, new, width=100, sort_output=True, include_lineno=False)
    return _BY_GIT.sub(b"", file.getvalue())


def _wanted(tag: str, template: Catalog) -> list[Message]:
    """Return the sentences a language is to have: all, or those that attendees meet."""
    return [
        message
        for message in template
        if message.id
        and (
            SUPPORTED[tag].has_admin or not is_for_organizers(path for path, _ in message.locations)
        )
    ]


def faults(tag: str, template: Catalog) -> list[str]:
    """Return what is wrong with the catalogue of a language."""
    late = late_sentences(tag, template)
    may_be_late = not SUPPORTED[tag].has_admin and len(late) <= MAX_LATE
    known = read_catalogue(tag)
    wrong = [
        f"{tag}: {fault}: {key_of(message)}"
        for message in known
        if message.id
        for fault in _faults_of(message, known)
    ]
    return sorted(wrong if may_be_late else [*late, *wrong])


def late_sentences(tag: str, template: Catalog) -> list[str]:
    """Return where a catalogue differs from the code: what it lacks, what it no longer needs."""
    found = {key_of(message): message for message in read_catalogue(tag) if message.id}
    wanted = {key_of(message) for message in _wanted(tag, template)}
    translated = {key for key, message in found.items() if all(_forms(message))}
    missing = [f"{tag}: not translated: {key}" for key in wanted - translated]
    unused = [f"{tag}: no code uses: {key}" for key in found.keys() - wanted]
    return sorted([*missing, *unused])


def _forms(message: Message) -> list[str]:
    string = message.string or ""
    return [string] if isinstance(string, str) else list(string)


def _faults_of(message: Message, known: Catalog) -> list[str]:
    is_plural = not isinstance(message.id, str)
    forms = _forms(message)
    last = message.id if isinstance(message.id, str) else message.id[-1]
    faults = ["fuzzy"] if message.fuzzy else []
    if is_plural and len(forms) != known.num_plurals:
        faults.append("another number of plurals")
    names = set(_PLACEHOLDER.findall(last))
    # The form for one may leave out the number.
    optional = {"{count}"} if is_plural else set()
    if all(forms) and any((set(_PLACEHOLDER.findall(form)) ^ names) - optional for form in forms):
        faults.append("other placeholders")
    return faults


def main() -> int:
    """Update the catalogues, or check them."""
    template = extracted()
    tags = [tag for tag in SUPPORTED if tag != _ENGLISH]
    if "--check" in sys.argv:
        found = unmarked_texts() + [fault for tag in tags for fault in faults(tag, template)]
        sys.stdout.write("".join(f"{fault}\n" for fault in found))
        return bool(found)
    for tag in tags:
        path_of(tag).write_bytes(updated(tag, template))
        left = len(late_sentences(tag, template))
        area = "" if SUPPORTED[tag].has_admin else "; organizers read English"
        sys.stdout.write(f"{tag}: {left} sentences to translate{area}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
