"""References to the ES modules in `assets/js/`, which the build bundles into the pages."""

from __future__ import annotations

import reflex as rx


def module(name: str) -> str:
    """Return the `library` of a component whose React function stands in `assets/js/{name}.js`."""
    return f"$/public/js/{name}.js"


def function(name: str, *, source: str) -> rx.vars.FunctionVar:
    """Return a function that `assets/js/{source}.js` exports, to be called in an expression."""
    imports = {module(source): [rx.ImportVar(tag=name)]}
    return rx.vars.FunctionStringVar.create(name, _var_data=rx.vars.VarData(imports=imports))
