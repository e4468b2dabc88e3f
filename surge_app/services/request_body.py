"""What every body of a request has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, field_validator


class Body(BaseModel):
    """A body of a request: nothing unknown in it, no NUL character in its text."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def _without_nul(cls, value: object) -> object:
        if isinstance(value, str) and "\0" in value:
            msg = "a NUL character cannot be kept"
            raise ValueError(msg)
        return value
