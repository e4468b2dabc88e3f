"""A whole Surge to break: one node as `make run` starts it, or two behind the shipped nginx.

The two stand over one Redis and one Postgres through PgBouncer in transaction mode. Proxy and
pooler use the files of `deploy/`, with other ports and folders.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg

from bench.proxy_setup import Pooler, Proxy
from surge_app.launcher.embedded_servers import backing_services, keep_servers_running
from surge_app.launcher.frontend_build import fingerprint
from surge_app.launcher.ports import free_port
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
_OFF_CLOCK, _CLOCK = Path(__file__).parent / "off_clock", "CLOCK_OFF_SECONDS"
_WEB_SERVER, _SANDBOX = "surge_app.surge_app:app", "surge_app.sandbox.server:create_app"
_START_SECONDS = 240
_STOP_SECONDS = 60
# Postgres makes files of 16 MB beforehand; a sale of a few minutes takes half of this.
_SMALL_DISK_MEGABYTES = 400
_LEADER = """
SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND a.application_name LIKE 'surge-leader %'
"""


@dataclass
class Node:
    """One `python -m surge_app run` and the processes it started."""

    name: str
    settings: Settings
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    code: Path = ROOT

    @property
    def url(self) -> str:
        """Where it answers by itself."""
        return self.settings.local_url

    def start(self) -> None:
        """Start it as `make run` does."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "surge_app", "run"],
                cwd=self.code,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Wait until a sale could go on here."""
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            if self.process is None or self.process.poll() is not None:
                sys.exit(f"Node {self.name} ended:\n{self.log.read_text()[-2000:]}")
            if time.monotonic() > deadline:
                sys.exit(f"Node {self.name} did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """Whether it says so itself."""
        try:
            return httpx.get(f"{self.url}/api/readyz", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def serving(self) -> list[psutil.Process]:
        """Return its launcher and its web server with all workers, but no database."""
        try:
            facts = json.loads((self.settings.data_dir / "run.json").read_text("utf-8"))
            launcher = psutil.Process(int(facts["pid"]))
        except (OSError, psutil.Error):
            return []
        below = [one for one in launcher.children(recursive=True) if "python" in _program(one)]
        return [launcher, *below]

    def workers(self) -> list[psutil.Process]:
        """Return the processes that answer requests."""
        servers = [one for one in self.serving() if _WEB_SERVER in _title(one)]
        return [one for one in servers if any(one.ppid() == main.pid for main in servers)]

    def sandbox(self) -> list[psutil.Process]:
        """Return the processes that play the vendors."""
        return [one for one in self.serving() if _SANDBOX in _title(one)]

    def restart(self, *, clock_off_seconds: int = 0) -> None:
        """End it as an operator does, and start it; its clock may be wrong then."""
        self.stop()
        for name in (_CLOCK, "PYTHONPATH"):
            self.environment.pop(name, None)
        if clock_off_seconds:
            self.environment |= {_CLOCK: str(clock_off_seconds), "PYTHONPATH": str(_OFF_CLOCK)}
        self.start()
        self.wait_ready()

    @property
    def is_off_clock(self) -> bool:
        """Whether its clock is wrong on purpose."""
        return _CLOCK in self.environment

    def stop(self) -> None:
        """End it as an operator does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(_STOP_SECONDS)
            self.process = None

    def kill(self) -> None:
        """End all of it at once, as a machine that goes away."""
        for one in self.serving():
            with suppress(psutil.Error):
                one.kill()
        if self.process is not None:
            self.process.wait()
            self.process = None


@dataclass
class Stack:
    """Nodes, what they stand on, and what stands before them.

    Attributes:
        url: Where visitors go.
        settings: Name the Postgres and Redis themselves.
        folder: Of all their files.
        proxy: What stands before them, if anything does.
        pooler: What stands between them and Postgres, if anything does.
    """

    url: str
    settings: Settings
    nodes: list[Node]
    folder: Path
    proxy: Proxy | None = None
    pooler: Pooler | None = None

    def servers(self, program: str) -> list[psutil.Process]:
        """Return the processes of `postgres` or `redis-server` that this stack uses."""
        socket_folder = Path((self.settings.redis_url or "").removeprefix("unix://").split("?")[0])
        mark = socket_folder.parent.name
        found: list[psutil.Process] = []
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                if one.name() == program and mark in _title(one):
                    found.append(one)
        return found

    def processor_seconds(self) -> dict[str, float]:
        """Return the seconds of processor each part has used, this process among them."""
        parts = {
            "nodes": [one for node in self.nodes for one in node.serving()],
            "nginx": self.proxy.processes() if self.proxy else [],
            "PgBouncer": self.pooler.processes() if self.pooler else [],
            "Postgres": self.servers("postgres"),
            "Redis": self.servers("redis-server"),
            "client": [psutil.Process()],
        }
        used = dict.fromkeys(parts, 0.0)
        for name, processes in parts.items():
            for one in processes:
                with suppress(psutil.Error):
                    times = one.cpu_times()
                    used[name] += times.user + times.system
        return used

    def leader(self) -> psutil.Process:
        """Return the worker that runs the jobs."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with psycopg.connect(self.settings.direct_url or "") as connection:
                row = connection.execute(_LEADER).fetchone()
            if row is not None:
                return psutil.Process(int(str(row[0]).split()[1]))
            time.sleep(0.1)
        sys.exit("Nobody leads the jobs.")

    def follower(self) -> psutil.Process:
        """Return a worker that does not run the jobs."""
        leader = self.leader().pid
        return next(one for node in self.nodes for one in node.workers() if one.pid != leader)


@contextmanager
def one_node(
    *,
    workers: int = 2,
    environment: Mapping[str, str] | None = None,
    disk_megabytes: int | None = None,
) -> Generator[Stack]:
    """Start Surge as a newcomer does: one launcher, which also keeps Postgres and Redis.

    Args:
        workers: Of the node.
        environment: More variables for it.
        disk_megabytes: Give its files a disk of this size, which only root may make.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="surge-stack-")))
        if disk_megabytes is not None:
            stack.enter_context(_small_disk(folder, disk_megabytes))
        port = free_port()
        node = _node("a", folder, port, {"SURGE_WORKERS": str(workers), **(environment or {})})
        node.start()
        try:
            node.wait_ready()
            # Not held: the launcher alone keeps the servers, and ends them with itself.
            with backing_services(node.settings) as ready:
                settings = ready
            yield Stack(node.url, settings, [node], folder)
        finally:
            node.stop()


@contextmanager
def small_disk_node() -> Generator[Stack]:
    """Start one node whose files, those of its Postgres and Redis included, have a small disk."""
    with one_node(disk_megabytes=_SMALL_DISK_MEGABYTES) as stack:
        yield stack


@contextmanager
def _small_disk(folder: Path, megabytes: int) -> Generator[None]:
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size={megabytes}m,mode=755,uid={os.geteuid()},gid={os.getegid()}"
    subprocess.run(
        [*root, "mount", "-t", "tmpfs", "-o", options, "surge-stack", folder], check=True
    )
    try:
        yield
    finally:
        subprocess.run([*root, "umount", "--lazy", folder], check=True)


@contextmanager
def two_nodes(*, workers: int = 1, drain_seconds: int = 3, count: int = 2) -> Generator[Stack]:
    """Start nodes behind nginx, over PgBouncer; what a service manager keeps is kept."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="surge-stack-")))
        folder.chmod(0o755)
        base = development_secrets(_settings(folder / "servers", free_port()))
        backed = stack.enter_context(backing_services(base))
        stack.enter_context(keep_servers_running(base))
        pooler = stack.enter_context(Pooler(folder / "pooler", backed))
        ports = [free_port() for _ in range(count)]
        proxy = stack.enter_context(Proxy(folder / "proxy", ports))
        # Cookies have other names where a site is served over TLS.
        ready = backed.model_copy(update={"public_url": proxy.url})
        shared = {
            "DATABASE_URL": pooler.url,
            "SURGE_DATABASE_DIRECT_URL": ready.database_url or "",
            "REDIS_URL": ready.redis_url or "",
            "SURGE_SECRET_KEY": ready.secret_key[0],
            "SURGE_ADMIN_PASSWORD": ready.admin_password or "",
            "SURGE_PUBLIC_URL": proxy.url,
            "SURGE_TRUSTED_PROXY_HOPS": "1",
            "SURGE_DRAIN_SECONDS": str(drain_seconds),
            "SURGE_WORKERS": str(workers),
        }
        nodes = [
            _node(letter, folder / letter, port, shared)
            for letter, port in zip("abcdefgh", ports, strict=False)
        ]
        for node in nodes:
            node.start()
            stack.callback(node.stop)
        for node in nodes:
            node.wait_ready()
        yield Stack(proxy.url, ready, nodes, folder, proxy, pooler)


def _node(name: str, folder: Path, port: int, extra: Mapping[str, str]) -> Node:
    folder.mkdir(exist_ok=True)
    own = {"PORT": str(port), "SURGE_DATA_DIR": str(folder), "SURGE_RATE_LIMITS": "off"}
    settings = development_secrets(
        _settings(
            folder,
            port,
            database_url=extra.get("DATABASE_URL"),
            database_direct_url=extra.get("SURGE_DATABASE_DIRECT_URL"),
            redis_url=extra.get("REDIS_URL"),
            public_url=extra.get("SURGE_PUBLIC_URL", ""),
            secret_key=(extra["SURGE_SECRET_KEY"],) if "SURGE_SECRET_KEY" in extra else (),
            admin_password=extra.get("SURGE_ADMIN_PASSWORD"),
        )
    )
    _install_pages(settings)
    return Node(name, settings, {**os.environ, **own, **extra}, folder / "node.log")


def _settings(folder: Path, port: int, **more: object) -> Settings:
    return load_settings(data_dir=folder, port=port, rate_limits=False, **more)


def _install_pages(settings: Settings) -> None:
    """Put a page where the built ones would be; nobody looks, and a build takes a minute."""
    site = settings.data_dir / "pages"
    client = site / "build" / "client"
    client.mkdir(parents=True)
    page = "<html><head><title>Nobody looks here.</title></head><body></body></html>"
    (client / "index.html").write_text(page, "utf-8")
    stamp = json.dumps({"fingerprint": fingerprint(settings)})
    (site / "surge-build.json").write_text(stamp, "utf-8")


def new_slug(name: str) -> str:
    """Return a name for an event that no other has."""
    return f"{name}-{secrets.token_hex(4)}"


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _program(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""
