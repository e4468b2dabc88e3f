"""Queries over accounts and sessions of the admin area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Interval, cast, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import AdminAccount, AdminSession

_NOW = func.clock_timestamp()


async def account(session: AsyncSession, name: str) -> AdminAccount | None:
    """Return an account."""
    return await session.scalar(select(AdminAccount).where(col(AdminAccount.name) == name))


async def accounts(session: AsyncSession) -> Sequence[AdminAccount]:
    """Return every account, by name."""
    return (await session.scalars(select(AdminAccount).order_by(col(AdminAccount.name)))).all()


async def add_account(session: AsyncSession, *, name: str, role: str, password_hash: str) -> bool:
    """Store an account; returns whether there was none of that name."""
    result = await session.execute(
        insert(AdminAccount)
        .values(name=name, role=role, password_hash=password_hash)
        .on_conflict_do_nothing()
        .returning(col(AdminAccount.name))
    )
    return result.scalar() is not None


async def remove_account(session: AsyncSession, name: str) -> str | None:
    """Delete an account and its sessions; returns its role, None if there was none."""
    role = await session.scalar(
        delete(AdminAccount).where(col(AdminAccount.name) == name).returning(col(AdminAccount.role))
    )
    await session.execute(delete(AdminSession).where(col(AdminSession.user_name) == name))
    return role


async def open_session(
    session: AsyncSession, *, id_: str, user_name: str, credential: str, lasts: timedelta
) -> None:
    """Store a session; those that are over go."""
    await session.execute(delete(AdminSession).where(col(AdminSession.expires_at) <= _NOW))
    await session.execute(
        insert(AdminSession).values(
            id=id_,
            user_name=user_name,
            credential=credential,
            expires_at=_NOW + cast(literal(lasts), Interval),
        )
    )


async def live_session(
    session: AsyncSession, id_: str
) -> tuple[AdminSession, AdminAccount | None] | None:
    """Return a session that is not over, with the account of its user if there is one."""
    result = await session.execute(
        select(AdminSession, AdminAccount)
        .join(AdminAccount, col(AdminAccount.name) == col(AdminSession.user_name), isouter=True)
        .where(col(AdminSession.id) == id_, col(AdminSession.expires_at) > _NOW)
    )
    row = result.one_or_none()
    return None if row is None else (row[0], row[1])


async def close_session(session: AsyncSession, id_: str) -> str | None:
    """End a session; returns whose it was, None if it was over."""
    return await session.scalar(
        delete(AdminSession)
        .where(col(AdminSession.id) == id_)
        .returning(col(AdminSession.user_name))
    )
