"""Configuration of Reflex, derived from the settings of Surge."""

import reflex as rx
from reflex_base.constants import PackageJson

from surge_app.components.frame.lean_build import LeanBuild
from surge_app.settings import load_settings

settings = load_settings()
# Reflex's own command serves the pages of hot reload to the whole network.
PackageJson.Commands.DEV = (  # pyright: ignore[reportAttributeAccessIssue]
    "react-router dev --host ${SURGE_HOST:-127.0.0.1}"
)

config = rx.Config(
    app_name="surge_app",
    api_url=settings.api_url,
    deploy_url=settings.base_url,
    redis_url=settings.reflex_redis_url,
    # A handler may wait for the gateway, and a crowd slows all of it: an expired lock loses what
    # it changed, and the page reports a fault.
    redis_lock_expiration=30_000,
    cors_allowed_origins=settings.allowed_origins,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    frontend_compression_formats=["brotli", "gzip"],
    plugins=[LeanBuild()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
