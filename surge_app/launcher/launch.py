"""`make run`, `make dev` and `make pages`: start Surge from a checkout and stop it cleanly."""

from __future__ import annotations

import errno
import http.client
import os
import secrets
import socket
import sys
from contextlib import ExitStack, closing, contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape

from surge_app.errors import ConfigurationError
from surge_app.launcher import frontend_build
from surge_app.launcher.connectivity import check_reachable, database_title
from surge_app.launcher.embedded_servers import backing_services, data_folder, keep_servers_running
from surge_app.launcher.processes import (
    file_lock,
    private_name,
    raise_nofile_limit,
    storage_problem,
)
from surge_app.launcher.run_record import note_stopping, sole_run
from surge_app.launcher.sandbox_process import PORT_VARIABLE, sandbox_process, with_sandbox_port
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.launcher.supervisor import RUN_VARIABLE, StopRequested, Supervisor
from surge_app.observability.log import get_logger
from surge_app.observability.metric_files import FOLDER_VARIABLE, shared_folder
from surge_app.settings import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from surge_app.settings import Settings

_log = get_logger(__name__)
_EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - to probe whether anyone has the port
_REFLEX_CONNECTIONS: Final = "32"
_FIRST_BACKEND_PORT: Final = 8000
_START_SECONDS: Final = 180
_STOP_SECONDS: Final = 15
_BUILD_LOCK_SECONDS: Final = 900
_BACKLOG: Final = 4096
_LARGEST_HEAD: Final = 16_384
_MAX_CONNECTIONS: Final = 16_384
_MIN_CONNECTIONS: Final = 128
# Of Redis, Postgres, the vendors and the pages.
_OTHER_FILES: Final = 512


def run(settings: Settings) -> int:
    """Serve Surge in production mode on one port until a stop is requested.

    Returns:
        The exit code: 0 after a requested stop, 1 if the web server died, 2 if the
        configuration is invalid (the reason is on standard error).
    """
    return _guarded(_serve, settings)


def dev(settings: Settings) -> int:
    """Serve Surge with hot reload: pages on `PORT`, the API on another port.

    Returns:
        The exit code, as for `run`.
    """
    return _guarded(_develop, settings)


def build(settings: Settings) -> int:
    """Build the pages for these settings without serving; a later `run` uses them.

    Returns:
        The exit code, as for `run`.
    """
    return _guarded(_build, settings)


def _guarded(work: Callable[[Settings, Supervisor], int], settings: Settings) -> int:
    supervisor = Supervisor()
    with supervisor.listening():
        try:
            return work(settings, supervisor)
        except StopRequested:
            return 0
        except ConfigurationError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        except OSError as error:
            if (problem := storage_problem(error)) is None:
                raise
            sys.stderr.write(f"{problem}\n")
            return 2


def _serve(settings: Settings, supervisor: Supervisor) -> int:
    with _prepared(settings, supervisor) as (filled, env):
        pages = _pages(filled, supervisor, env)
        # A killed run may have left it.
        filled.drain_mark.unlink(missing_ok=True)
        with shared_folder(filled.data_dir, private_name(filled.data_dir)) as counts:
            serving = _serving(pages) | {FOLDER_VARIABLE: str(counts)}
            with sandbox_process(filled, supervisor, env) as sandbox:
                server = supervisor.start(_granian(filled), cwd=PROJECT, env=env | serving)
                try:
                    supervisor.wait_for(
                        server,
                        lambda: _is_live(filled.local_url) and sandbox.is_live(),
                        seconds=_START_SECONDS,
                    )
                    _greet(filled, database=database_title(settings))
                    code = supervisor.watch(
                        server,
                        drain_mark=filled.drain_mark,
                        drain_seconds=filled.drain_seconds,
                        keep_alive=sandbox.keep_alive,
                    )
                finally:
                    supervisor.end(server, seconds=_STOP_SECONDS)
    sys.stderr.write(f"The web server stopped unexpectedly (exit code {code}).\n")
    return 1


def _build(settings: Settings, supervisor: Supervisor) -> int:
    settings = settings.model_copy(update={"data_dir": data_folder(settings)})
    filled = development_secrets(settings)
    _pages(filled, supervisor, _environment(filled, secrets.token_hex(8)))
    return 0


def _develop(settings: Settings, supervisor: Supervisor) -> int:
    with _prepared(settings, supervisor) as (filled, env):
        backend = next(
            port
            for port in range(_FIRST_BACKEND_PORT, 65536)
            if port != filled.port and _port_problem(port) is None
        )
        # Without a host Reflex serves the API, and the sandbox's mails, to the whole network.
        where = ("--backend-port", str(backend), "--backend-host", filled.listen_address)
        dev_env = {
            "SURGE_API_PORT": str(backend),
            "SURGE_HOST": filled.listen_address,
            "SURGE_FRONTEND_URL": f"http://localhost:{filled.port}",
            "REFLEX_API_URL": f"http://localhost:{backend}",
            "REFLEX_ENV_MODE": "dev",
        }
        words = ("-m", "reflex", "run", "--frontend-port", str(filled.port), *where)
        with ExitStack() as running:
            api = filled.model_copy(update={"port": backend}).local_url
            sandbox = running.enter_context(sandbox_process(filled, supervisor, env | dev_env))
            with frontend_build.complete_or_marked(PROJECT / ".web"):
                server = supervisor.start((sys.executable, *words), cwd=PROJECT, env=env | dev_env)
                running.callback(supervisor.end, server, seconds=_STOP_SECONDS, like_terminal=True)
                supervisor.wait_for(
                    server,
                    lambda: (
                        _is_live(api)
                        and sandbox.is_live()
                        and _port_problem(filled.port) is not None
                    ),
                    seconds=_START_SECONDS * 2,
                )
            database = database_title(settings)
            _greet(filled, database=database, api=f"http://localhost:{backend}")
            code = supervisor.watch(server, keep_alive=sandbox.keep_alive)
    sys.stderr.write(f"The development server stopped unexpectedly (exit code {code}).\n")
    return 1


@contextmanager
def _prepared(
    settings: Settings, supervisor: Supervisor
) -> Generator[tuple[Settings, dict[str, str]]]:
    """Yield complete settings and the children's environment, with the database migrated."""
    settings = settings.model_copy(update={"data_dir": data_folder(settings)})
    with sole_run(settings, check=supervisor.check) as run_id:
        problem = _host_problem(settings.listen_address) or _port_problem(settings.port)
        if problem:
            raise ConfigurationError(problem)
        check_reachable(settings)
        _report(settings, "Starting …")
        with backing_services(settings) as backed, keep_servers_running(settings):
            try:
                filled = with_sandbox_port(development_secrets(backed))
                env = _environment(filled, run_id)
                _call(supervisor, filled, env, "migrate", "alembic", "upgrade", "head")
                if not filled.is_production:
                    _call(supervisor, filled, env, "seed", "surge_app", "seed-demo")
                yield filled, env
            finally:
                note_stopping(backed)


def _call(
    supervisor: Supervisor, settings: Settings, env: dict[str, str], name: str, *words: str
) -> None:
    supervisor.call(
        [sys.executable, "-m", *words],
        cwd=PROJECT,
        env=env,
        log=settings.data_dir / f"{name}.log",
        failure=f"The step '{name}' failed",
    )


def _pages(settings: Settings, supervisor: Supervisor, env: dict[str, str]) -> Path:
    def build() -> None:
        _report(settings, "Building the pages; the first time takes a minute or two …")
        words = ("reflex", "export", "--frontend-only", "--no-zip")
        _call(supervisor, settings, env, "build", *words)

    is_said = False

    def wait() -> None:
        nonlocal is_said
        if not is_said:
            _report(settings, "Another Surge builds pages in this folder; waiting for it …")
            is_said = True
        supervisor.check()

    with file_lock(PROJECT, timeout_seconds=_BUILD_LOCK_SECONDS, check=wait):
        return frontend_build.provide_pages(settings, build)


def _port_problem(port: int) -> str | None:
    """Return the reason why this process cannot listen on the port, or None."""
    for family, address in ((socket.AF_INET, _EVERY_ADDRESS), (socket.AF_INET6, "::1")):
        try:
            with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"Port {port} is in use; stop what uses it, or set PORT to another one."
            if error.errno == errno.EACCES:
                return f"Port {port} may not be used by this user; set PORT to one above 1023."
    return None


def _host_problem(address: str) -> str | None:
    """Return the reason why this process cannot listen on the address, or None."""
    try:
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.bind((address, 0))
    except (ValueError, OSError):
        return f"SURGE_HOST: this machine has no address {address}; 0.0.0.0 listens on all."
    return None


def _is_live(url: str) -> bool:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=2)
    try:
        connection.request("GET", "/api/livez")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _environment(settings: Settings, run_id: str) -> dict[str, str]:
    changes = {
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "SURGE_STATES_REDIS_URL": settings.states_redis_url or "",
        "PORT": str(settings.port),
        PORT_VARIABLE: str(settings.sandbox_port or ""),
        "SURGE_DATA_DIR": str(settings.data_dir),
        "SURGE_SECRET_KEY": ",".join(settings.secret_key),
        "SURGE_ADMIN_PASSWORD": settings.admin_password or "",
        "REFLEX_ENV_MODE": "prod",
        # Unbounded, each worker would open a connection per busy tab.
        "REFLEX_REDIS_MAX_CONNECTIONS": _REFLEX_CONNECTIONS,
        "REFLEX_API_URL": settings.base_url,
        "PYTHONUNBUFFERED": "1",
        RUN_VARIABLE: run_id,
    }
    return os.environ | frontend_build.toolchain_environment(settings.data_dir) | changes


def _serving(pages: Path) -> dict[str, str]:
    # Reflex itself passes the two names with underscores to its workers.
    return {
        "REFLEX_WEB_WORKDIR": str(pages),
        "__REFLEX_SKIP_COMPILE": "true",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
    }


def _granian(settings: Settings) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--factory"),
        *(
            "--host",
            settings.listen_address,
            "--port",
            str(settings.port),
            "--workers",
            str(settings.worker_count),
        ),
        # Browsers of waiting visitors keep their connections open. Without a proxy all of them
        # end here, and the default of 1,024 would lock out later visitors.
        # Without a proxy, HTTP/2 would take 15 MB in one header. A proxy uses HTTP/1 towards Surge.
        *("--http", "1", "--http1-buffer-size", str(_LARGEST_HEAD)),
        *("--backlog", str(_BACKLOG), "--backpressure", str(_connections_of_a_worker())),
        *("--respawn-failed-workers", "--workers-kill-timeout", "10", "--log-level", "warning"),
        "surge_app.surge_app:app",
    ]


def _connections_of_a_worker() -> int:
    files = raise_nofile_limit() - _OTHER_FILES
    return max(_MIN_CONNECTIONS, min(_MAX_CONNECTIONS, files))


def _greet(settings: Settings, *, database: str, api: str | None = None) -> None:
    pages = settings.public_url or f"http://localhost:{settings.port}"
    if settings.is_production:
        # Every line of the output is one of the log.
        _log.info("surge_ready", address=pages, database=database)
        return
    api = api or pages
    lines = [
        "",
        "[bold]Surge is ready.[/bold] Ctrl-C stops it.",
        "",
        f"  Events      {pages}/events",
        f"  Organizer   {pages}/admin",
        f"  API         {api}/api/openapi.json",
    ]
    if settings.uses_sandbox:
        lines.append(f"  Messages    {api}/sandbox/outbox")
    lines.append(f"  Database    {escape(database)}")
    if settings.admin_password:
        lines += ["", f"  Organizer's user      {settings.admin_user}"]
        lines += [f"  Organizer's password  {escape(settings.admin_password)}"]
    sandboxed = [
        name
        for name, is_sandbox in (
            ("payments", settings.uses_sandbox_payments),
            ("mail", settings.uses_sandbox_mail),
            ("SMS", settings.uses_sandbox_sms),
        )
        if is_sandbox
    ]
    if sandboxed:
        text = ", ".join(sandboxed)
        lines += ["", f"  Played by the sandbox: {text}. No money moves, nothing is sent."]
    _say("\n".join([*lines, ""]))


def _report(settings: Settings, progress: str) -> None:
    if not settings.is_production:
        _say(progress)


def _say(text: str) -> None:
    Console(highlight=False).print(text, soft_wrap=True)
