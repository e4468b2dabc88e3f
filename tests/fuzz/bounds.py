"""How long is searched, with which oddities, and what no answer may show."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, settings, strategies as st
from sqlmodel import SQLModel

import surge_app.models  # noqa: F401  the tables

LONGER = int(os.environ.get("FUZZ", "1"))
"""`FUZZ=50` searches fifty times as long, elsewhere each time."""

_TABLES = sorted(name for name in SQLModel.metadata.tables if "_" in name)
_INTERNAL = re.compile(
    r"Traceback|File \"|site-packages|surge_app\.|\.py\b|\.lua\b"
    r"|sqlalchemy|sqlmodel|psycopg|pydantic|starlette|granian|itsdangerous|redis://|postgresql://"
    r"|SELECT .{1,200} FROM|INSERT INTO|UPDATE \w+ SET|relation \"|CROSSSLOT|WRONGTYPE"
    rf"|\b(?-i:[A-Z]\w*(?:Error|Exception))\b|\b(?:{'|'.join(_TABLES)})\b",
    re.DOTALL | re.IGNORECASE,
)


def bounded(examples: int) -> settings:
    """Return how a search is done: the same each time, unless a longer one is asked for."""
    return settings(
        max_examples=examples * LONGER,
        derandomize=LONGER == 1,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def internal_names(text: str) -> list[str]:
    """Return what a text tells of the inside: modules, tables, SQL, paths, kinds of errors."""
    return _INTERNAL.findall(text)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from([10**30, -(10**30), 2**63, 2**31, -1]),
    st.sampled_from(["", "\0", "a\0b", "\ud800", "x" * 5_000, "🎟", "' OR 1=1 --", "../../etc"]),
)
"""A value somewhere at the edge of what it may be."""

ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
NOT_JSON = st.binary(max_size=60) | st.sampled_from(
    [
        b"",
        b"[" * 9_000,
        b'{"a":' * 4_000,
        b"1" * 5_000,
        b'{"event":"payment.captured","payload":' + b"9" * 5_000 + b"}",
        b'"\\ud800"',
        b"\xff\xfe{}",
        b"NaN",
    ]
)
"""Bytes that are no JSON, or none that can be read."""


def raw(value: object) -> bytes:
    """Return JSON; what has no UTF-8 travels escaped, as JSON allows."""
    return json.dumps(value).encode()


def spoiled(sound: Mapping[str, object]) -> st.SearchStrategy[dict[str, Any]]:
    """Return what is left of a sound object when values are missing, odd or of any other kind."""

    def field(value: object) -> st.SearchStrategy[Any]:
        inner = spoiled(value) if isinstance(value, Mapping) else st.just(value)
        return st.one_of(inner, inner, inner, ODD, ANY_JSON)

    return st.fixed_dictionaries({}, optional={name: field(sound[name]) for name in sound})
