"""The choice of the language, in the head of every page; see `choose_language.js`."""

from __future__ import annotations

import json

import reflex as rx

from surge_app.components.scripts.javascript import component
from surge_app.languages import SUPPORTED, languages
from surge_app.languages.page_files import page_files
from surge_app.settings import PROJECT

_SOURCE = PROJECT / "assets" / "js" / "choose_language.js"


def chosen_language() -> rx.Component:
    """Create the script that runs before any other of a page."""
    known = {
        language.tag: {
            "locale": language.html_lang,
            "dir": language.direction,
            "files": {area: f"/{file.path}" for area, file in files.items()},
        }
        for language, files in page_files().items()
        if language.tag in languages()
    }
    _, _, source = _SOURCE.read_text("utf-8").partition("export const chooseLanguage = ")
    lines = (line.strip() for line in source.rstrip().removesuffix(";").splitlines())
    code = "\n".join(line for line in lines if not line.startswith(("//", "/**")))
    script = f"({code})({json.dumps(known, separators=(',', ':'))})".replace("</", "<\\/")
    return rx.el.script(custom_attrs={"dangerouslySetInnerHTML": {"__html": script}})


_LanguageSwitch = component("language_switch", "LanguageSwitch", names=list[list[str]])


def switch(*, for_organizers: bool = False) -> rx.Component:
    """Create the links to this page in the other languages; a press keeps the choice."""
    offered = [one for one in SUPPORTED.values() if one.has_admin or not for_organizers]
    names = [[one.tag, one.name] for one in offered]
    return _LanguageSwitch.create(names=rx.Var.create(names))
