"""The base of all request bodies."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

MAX_FIELDS = 16
"""How many fields a query or a form may have."""

FIELD_NAMES: set[str] = set()
"""Names of the fields of all bodies; an answer repeats no other name."""


class StrictBody(BaseModel):
    """A request body that rejects unknown fields and NUL characters."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Remember the names of the fields."""
        super().__pydantic_init_subclass__(**kwargs)
        FIELD_NAMES.update(cls.model_fields)

    @model_validator(mode="before")
    @classmethod
    def _without_unknown_fields(cls, value: object) -> object:
        # Pydantic complains about each of them by its name; there may be thousands.
        if isinstance(value, dict) and not cast("dict[object, object]", value).keys() <= set(
            cls.model_fields
        ):
            raise ValueError("unknown fields")
        return cast("object", value)

    @field_validator("*")
    @classmethod
    def _without_nul(cls, value: object) -> object:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("a NUL character cannot be kept")
        return value
