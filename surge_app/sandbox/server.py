"""The stand-ins as an application of their own process, so that a measurement shows Surge alone."""

from __future__ import annotations

import gc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.middleware.trustedhost import TrustedHostMiddleware

from surge_app.kv.client import connect
from surge_app.observability.log import configure_logging
from surge_app.sandbox import create_sandbox
from surge_app.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


def create_app() -> FastAPI:
    """Return the application, which shares Surge's Redis."""
    settings = load_settings()
    configure_logging(json=settings.is_production)
    redis = connect(settings.redis_url or "", client_name="surge-sandbox")
    router = create_sandbox(settings, lambda: redis)

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncGenerator[None]:
        gc.freeze()
        async with router.lifespan_context(app):
            yield
        await redis.aclose()

    app = FastAPI(openapi_url=None, lifespan=lifespan)
    app.router.routes.extend(router.routes)
    # The workers check the names of an installation; DNS rebinding must not go around them.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1"])
    return app
