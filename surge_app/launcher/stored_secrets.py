"""Secrets of a development install: made once, kept under the data directory."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Final

from surge_app.errors import ConfigurationError
from surge_app.launcher.embedded_servers import data_folder

if TYPE_CHECKING:
    from pathlib import Path

    from surge_app.settings import Settings

# Without characters that look or sound alike.
_READABLE: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def development_secrets(settings: Settings) -> Settings:
    """Generate the secret key and the organizer's password if they are not set.

    Both are stored in `secrets.json` under the data directory, readable only by its owner.
    Production generates nothing.

    Raises:
        ConfigurationError: If that file cannot be read.
    """
    wants_password = not (settings.admin_password or settings.admin_password_hash)
    if settings.is_production or (settings.secret_key and not wants_password):
        return settings
    stored = _stored_secrets(data_folder(settings) / "secrets.json")
    changes: dict[str, object] = {}
    if not settings.secret_key:
        changes["secret_key"] = (stored["secret_key"],)
    if wants_password:
        changes["admin_password"] = stored["admin_password"]
    return settings.model_copy(update=changes)


def _stored_secrets(path: Path) -> dict[str, str]:
    if not path.exists():
        groups = ("".join(secrets.choice(_READABLE) for _ in range(4)) for _ in range(4))
        fresh = {"secret_key": secrets.token_urlsafe(32), "admin_password": "-".join(groups)}
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        scratch.touch(mode=0o600)
        scratch.write_text(json.dumps(fresh), "utf-8")
        # A hard link cannot replace a file, so the first of two processes wins.
        try:
            path.hardlink_to(scratch)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    try:
        stored = json.loads(path.read_text("utf-8"))
        return {name: str(stored[name]) for name in ("secret_key", "admin_password")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path} cannot be read; remove it and new secrets are made."
        raise ConfigurationError(msg) from error
