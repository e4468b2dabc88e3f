"""Pydantic models made from declared facts, so that no field is written twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from surge_app.services.events.facts import FactField
from surge_app.services.request_body import StrictBody

_Moment: TypeAlias = AwareDatetime | None
_AWARE: dict[Any, Any] = {datetime: AwareDatetime, datetime | None: _Moment}


class _FactsBody(StrictBody):
    model_config = ConfigDict(str_strip_whitespace=True)


class ViewOut(BaseModel):
    """An answer made from the view of a service, with fewer or stricter fields."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, view: object) -> Self:
        """Project a view."""
        return cls.model_validate(view)


def body_of(facts: Mapping[str, FactField], *, is_partial: bool = False) -> type[StrictBody]:
    """Return the base of a body with these facts.

    Args:
        is_partial: Whether each may be missing; only what was sent then counts.
    """
    declared: Any = {
        name: (_AWARE.get(one.type, one.type), _field(one, is_partial=is_partial))
        for name, one in facts.items()
    }
    return create_model("FactsBody", __base__=_FactsBody, **declared)


def answer_of(facts: Mapping[str, FactField]) -> type[ViewOut]:
    """Return the base of an answer with these facts."""
    declared: Any = {name: (one.type, ...) for name, one in facts.items()}
    return create_model("FactsOut", __base__=ViewOut, **declared)


def _field(one: FactField, *, is_partial: bool) -> Any:
    fact = one.fact
    bounds: dict[str, Any] = {"max_length": fact.max_length, "ge": fact.least, "le": fact.most}
    if one.type is str and one.is_required:
        bounds["min_length"] = 1
    bounds = {name: bound for name, bound in bounds.items() if bound is not None}
    if is_partial:
        # The default is never read, and would be a lie in the document.
        return Field(None, json_schema_extra=_without_default, **bounds)
    return Field(... if one.is_required else one.default, **bounds)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)
