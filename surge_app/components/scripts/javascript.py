"""References to the ES modules in `assets/js/`, which the build bundles into the pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, get_origin

import reflex as rx

# A handler that is called without arguments.
NO_ARGUMENTS: Any = rx.EventHandler[rx.event.no_args_event_spec]


def module(name: str) -> str:
    """Return the `library` of a component whose React function stands in `assets/js/{name}.js`."""
    return f"$/public/js/{name}.js"


def component(
    source: str, tag: str, *, packages: Sequence[str] = (), **props: Any
) -> type[rx.Component]:
    """Return the component of a React function that `assets/js/{source}.js` exports.

    Args:
        packages: Packages of npm that the module imports.
        **props: The type of each prop, or the `rx.EventHandler[…]` of a handler.
    """
    kinds = {
        name: kind if get_origin(kind) is Annotated else rx.Var[kind]
        for name, kind in props.items()
    }
    content = {"__module__": __name__, "__annotations__": kinds}
    content |= {"library": module(source), "tag": tag}
    if packages:
        kinds["lib_dependencies"] = list[str]
        content["lib_dependencies"] = list(packages)
    return type(tag, (rx.Component,), content)


def function(name: str, *, source: str) -> rx.vars.FunctionVar:
    """Return a function that `assets/js/{source}.js` exports, to be called in an expression."""
    imports = {module(source): [rx.ImportVar(tag=name)]}
    return rx.vars.FunctionStringVar.create(name, _var_data=rx.vars.VarData(imports=imports))
