"""The catalogues of every language, against the sentences in the code.

`python -m tests.architecture.messages` writes new sentences into each catalogue and takes out what
no code uses. With `--check` it prints every fault and exits with 1 if there is one.
"""

from __future__ import annotations

import re
import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from surge_app.languages import SUPPORTED
from surge_app.languages.catalogue import key_of, path_of, read_catalogue
from tests.architecture.unmarked_texts import unmarked_texts

ROOT = Path(__file__).parents[2]
_METHODS = [
    ("surge_app/**.py", "python"),
    ("surge_app/**/templates/**", "jinja2"),
    ("assets/js/**.js", "javascript"),
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
_FOLDERS = ("surge_app", "assets/js")
_PLACEHOLDER = re.compile(r"\{\w+\}")
# What git says as well, and what would change with each run.
_BY_GIT = re.compile(
    rb'^"(?:POT-Creation-Date|PO-Revision-Date|Generated-By|Report-Msgid-Bugs-To|Last-Translator'
    rb"|Language-Team|Project-Id-Version): .*\n",
    re.MULTILINE,
)
_ENGLISH = "en"


def extracted() -> Catalog:
    """Return every sentence of the code with the files that use it."""
    found = Catalog()
    for folder in _FOLDERS:
        for path, _, message, _, context in extract_from_dir(
            ROOT / folder,
            [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in _METHODS],
            {pattern.removeprefix(f"{folder}/"): one for pattern, one in _OPTIONS.items()},
            _KEYWORDS,
        ):
            found.add(message, None, [(f"{folder}/{path}", 0)], context=context)
    return found


def updated(tag: str, template: Catalog) -> bytes:
    """Return the PO file of a language with the sentences of the code, and only these."""
    known = read_catalogue(tag) if path_of(tag).exists() else Catalog(locale=tag)
    new = Catalog(locale=tag, project="Surge", fuzzy=False)
    new.header_comment = f"# Surge in {SUPPORTED[tag].name}; `make messages` updates this file."
    for message in template:
        if not message.id:
            continue
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


def faults(tag: str, template: Catalog) -> list[str]:
    """Return what is wrong with the catalogue of a language."""
    known = read_catalogue(tag)
    wanted = {key_of(message): message for message in template if message.id}
    found = {key_of(message): message for message in known if message.id}
    missing = [f"{tag}: not in the catalogue: {key}" for key in wanted.keys() - found.keys()]
    unused = [f"{tag}: no code uses: {key}" for key in found.keys() - wanted.keys()]
    wrong = [
        f"{tag}: {fault}: {key}"
        for key, message in found.items()
        for fault in _faults_of(message, known)
    ]
    return sorted([*missing, *unused, *wrong])


def _faults_of(message: Message, known: Catalog) -> list[str]:
    is_plural = not isinstance(message.id, str)
    string = message.string or ""
    forms = [string] if isinstance(string, str) else list(string)
    last = message.id if isinstance(message.id, str) else message.id[-1]
    faults = ["fuzzy"] if message.fuzzy else []
    if is_plural and len(forms) != known.num_plurals:
        faults.append("another number of plurals")
    if not all(forms):
        return [*faults, "not translated"]
    names = set(_PLACEHOLDER.findall(last))
    # The form for one may leave out the number.
    optional = {"{count}"} if is_plural else set()
    if any((set(_PLACEHOLDER.findall(form)) ^ names) - optional for form in forms):
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
        left = [fault for fault in faults(tag, template) if "not translated" in fault]
        sys.stdout.write(f"{tag}: {len(left)} sentences to translate\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
