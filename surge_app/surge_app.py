"""Compose pages, API, sandbox, edge and lifespan into one application. No logic."""

# Reflex types its application only in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import reflex as rx
from fastapi import APIRouter
from reflex.state import FrontendEventExceptionState
from reflex_base import otel
from reflex_base.registry import RegistrationContext
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from surge_app import languages
from surge_app.api import DirectCalls, create_api
from surge_app.components.frame import error_boundary, shell
from surge_app.container import current, running
from surge_app.edge.connection_watch import connections_watched
from surge_app.edge.draining import Draining
from surge_app.edge.middleware import EdgeMiddleware
from surge_app.edge.page_scheduler import PageScheduler
from surge_app.edge.queue.poll_fast_path import PollFastPath
from surge_app.edge.request_log import RequestLog
from surge_app.edge.websockets.handler_arguments import arguments_of
from surge_app.edge.websockets.state_owners import StateOwners
from surge_app.jobs import jobs_running
from surge_app.kv.client import connect
from surge_app.launcher.embedded_servers import backing_services
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.observability import tracing
from surge_app.observability.log import configure_logging
from surge_app.pages import ROUTES
from surge_app.sandbox import create_sandbox
from surge_app.sandbox.forwarding import create_forwarding
from surge_app.services.vendors.sandbox_credentials import sandbox_url
from surge_app.settings import load_settings
from surge_app.state.error_notice import report, report_page_error
from surge_app.state.language import VisitorLanguage

settings = load_settings()
if not settings.is_production:
    languages.offer_pseudo_languages()

# Beside a thread that draws tickets or covers, the event loop waits so long for its turn, of which
# Python's own measure is 5 ms.
_THREAD_TURN_SECONDS = 0.0005
_GC_THRESHOLDS = (20_000, 20, 50)


class SurgeApp(rx.App):
    """A Reflex app with the edge around its whole ASGI stack, and the API beside it."""

    def __call__(self) -> ASGIApp:
        """Return the ASGI application of one process."""
        registry, url = RegistrationContext.get(), settings.reflex_redis_url
        states = connect(url, client_name="surge-states") if url else None
        edge = EdgeMiddleware(
            pages=super().__call__(),
            # Pages of hot reload come from another port, which only the API's own layers allow.
            api=api if settings.frontend_url else DirectCalls(api),
            settings=settings,
            arguments_of=arguments_of(registry.event_handlers),
            owners=StateOwners(states, registry.base_states) if states else None,
        )
        return Draining(PollFastPath(RequestLog(PageScheduler(edge), settings), settings), settings)


@asynccontextmanager
async def lifespan() -> AsyncGenerator[None]:
    """Run the services, and the jobs unless another process does, in this worker."""
    configure_logging(json=settings.is_production)
    sys.setswitchinterval(_THREAD_TURN_SECONDS)
    with backing_services(development_secrets(settings)) as ready:
        async with (
            running(ready) as services,
            connections_watched(ready),
            AsyncExitStack() as stack,
        ):
            for router in stand_ins:
                await stack.enter_async_context(router.lifespan_context(api))
            if tracing.provider() is not None:
                otel.enable(tracer_provider=tracing.provider())
            await services.waiting_room.publish()
            api.prepare()
            _freeze_gc()
            if ready.jobs:
                async with jobs_running(services):
                    yield
            else:
                yield


def _freeze_gc() -> None:
    """Let the garbage collector pass over what a process keeps for as long as it lives.

    A full collection takes a fifth of a second, in which no request is answered. What comes later
    is mostly freed without the collector, so it looks less often than once in 700 objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _stand_ins() -> list[APIRouter]:
    if not settings.uses_sandbox:
        return []
    if settings.sandbox_port:
        return [create_forwarding(sandbox_url(settings))]
    return [create_sandbox(settings, lambda: current().redis)]


stand_ins = _stand_ins()
api = create_api(*stand_ins)
# Needed where pages come from another port or local name; Reflex does the same for its own part.
api.add_middleware(
    CORSMiddleware,
    allow_origins=settings.allowed_origins,
    allow_methods=["*"],
    allow_headers=["*"],
    allow_credentials=True,
)

app = SurgeApp(
    stylesheets=list(shell.STYLESHEETS),
    head_components=shell.head(),
    hydrate_fallback=shell.fallback(),
    app_wraps=error_boundary.app_wraps(),
    toaster=None,
    html_lang=languages.current().html_lang,
    backend_exception_handler=report,
    frontend_exception_handler=report_page_error,
)
# Their search takes minutes for some texts, and a page of ours offers to be loaded again.
FrontendEventExceptionState.auto_reload_on_errors = []
app.register_lifespan_task(lifespan)
app.add_middleware(VisitorLanguage())
for route in ROUTES:
    app.add_page(route.component, route=route.path, title=route.title, on_load=route.on_load)
