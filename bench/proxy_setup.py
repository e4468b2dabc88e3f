"""What stands before and between nodes: the shipped nginx and PgBouncer, on free ports."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

import httpx
import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from surge_app.launcher.ports import free_port
from surge_app.launcher.system_account import server_account
from surge_app.settings import Settings

_DEPLOY = Path(__file__).parents[1] / "deploy"
_INSTALL_SECONDS = 300
_START_SECONDS = 30
# Debian keeps servers where a user's PATH may not lead.
_SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def program(name: str) -> str:
    """Return the path of a program of Debian; as root on Debian it is installed if missing."""
    found = shutil.which(name, path=_SEARCH_PATH)
    apt = shutil.which("apt-get")
    if found is None and apt and os.geteuid() == 0:
        for words in (("update",), ("install", "-y", "--no-install-recommends", name)):
            subprocess.run(
                [apt, *words],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_INSTALL_SECONDS,
                check=False,
            )
        found = shutil.which(name, path=_SEARCH_PATH)
        if found and Path("/run/systemd/system").is_dir():
            # Debian starts a server with its package; only the program is wanted.
            off = ["systemctl", "disable", "--now", name]
            subprocess.run(off, capture_output=True, check=False)
    if found is None:
        sys.exit(f"This needs {name}; install it (on Debian: apt-get install {name}).")
    return found


class _Child(ABC):
    """A server in a folder, started when the block begins and ended with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o755)
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return what starts it."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it takes calls."""

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"It did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        """Return it and what it started."""
        if self._process is None:
            return []
        head = psutil.Process(self._process.pid)
        return [head, *head.children(recursive=True)]

    def kill(self) -> None:
        """End it as a crash would."""
        for one in self.processes():
            one.kill()
        if self._process is not None:
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_START_SECONDS)


class Proxy(_Child):
    """nginx with `deploy/proxy`, over TLS with a certificate of its own."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        """Write the files; nothing starts yet.

        Args:
            folder: For its files, logs and cache.
            ports: Where the nodes listen.
        """
        super().__init__(folder)
        self._program = program("nginx")
        self.port, plain = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        self.certificate = folder / "fullchain.pem"
        _write_certificate(self.certificate, folder / "privkey.pem")
        moved = {
            "listen 80 ": f"listen 127.0.0.1:{plain} ",
            "listen [::]:80 ": f"listen [::1]:{plain} ",
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
            "listen [::]:443 ": f"listen [::1]:{self.port} ",
            "/etc/nginx/certificates/": f"{folder}/",
        }
        if not socket.has_dualstack_ipv6():
            moved |= {f"    listen [::]:{line};\n": "" for line in ("80", "443")}
        self._render("surge.conf", "surge.conf", moved)
        line = "    server 127.0.0.1:3000 max_fails=1 fail_timeout=5s;\n"
        nodes = {line: "".join(line.replace("3000", str(port)) for port in ports)}
        self._render("upstream-one-machine.conf", "upstream.conf", nodes)
        moved = {
            "/var/log/nginx/access.log": f"{folder}/access.log",
            "/var/cache/nginx-surge": f"{folder}/cache",
            "/etc/nginx/main.d/": f"{folder}/main.d/",
            "/etc/nginx/upstream.conf": f"{folder}/upstream.conf",
            "/etc/nginx/surge.conf": f"{folder}/surge.conf",
            "worker_processes auto": "worker_processes 1",
        }
        self._render("nginx.conf", "nginx.conf", moved)

    def _render(self, name: str, target: str, changes: dict[str, str]) -> None:
        text = (_DEPLOY / "proxy" / name).read_text("utf-8")
        for old, new in changes.items():
            if old not in text:
                sys.exit(f"deploy/proxy/{name} no longer says {old!r}.")
            text = text.replace(old, new)
        (self.folder / target).write_text(text, "utf-8")

    def command(self) -> list[str]:
        """Return how it is started: in the foreground, with nothing outside its folder."""
        own = f"daemon off; pid {self.folder}/pid;"
        if os.geteuid() == 0:
            own += " user root;"
        files = ["-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]
        return [self._program, *files, "-g", own]

    def answers(self) -> bool:
        """Whether it serves; what the nodes say does not matter."""
        try:
            httpx.get(f"{self.url}/metrics", verify=self.trust(), timeout=2)
        except httpx.HTTPError:
            return False
        return True

    def trust(self) -> ssl.SSLContext:
        """Return what a client has to believe."""
        return ssl.create_default_context(cafile=str(self.certificate))


class Pooler(_Child):
    """PgBouncer with `deploy/pgbouncer/pgbouncer.ini`, in front of an embedded Postgres."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Write the files; nothing starts yet.

        Args:
            folder: For its files and logs.
            settings: Name the Postgres.
        """
        super().__init__(folder)
        self._program = program("pgbouncer")
        self._account = server_account(settings.data_dir / "postgres")
        self.port = free_port()
        self.url = f"postgresql://surge@127.0.0.1:{self.port}/surge"
        query = parse_qs(urlsplit(settings.database_url or "").query)
        users = folder / "userlist.txt"
        users.write_text('"surge" ""\n', "utf-8")
        users.chmod(0o644)
        changes = {
            "host=postgres port=5432 dbname=surge": (
                f"host={query['host'][0]} port={query['port'][0]} dbname=surge user=postgres"
            ),
            "listen_addr = 0.0.0.0": "listen_addr = 127.0.0.1",
            "listen_port = 6432": f"listen_port = {self.port}",
            "auth_type = scram-sha-256": "auth_type = trust",
            "/tmp/userlist.txt": str(users),  # noqa: S108 - as the file has it
        }
        text = (_DEPLOY / "pgbouncer" / "pgbouncer.ini").read_text("utf-8")
        for old, new in changes.items():
            if old not in text:
                sys.exit(f"deploy/pgbouncer/pgbouncer.ini no longer says {old!r}.")
            text = text.replace(old, new)
        (folder / "pgbouncer.ini").write_text(text, "utf-8")
        (folder / "pgbouncer.ini").chmod(0o644)

    def command(self) -> list[str]:
        """Return how it is started; it refuses to be root, and Postgres knows its own account."""
        user = [] if not self._account.is_other else ["-u", pwd.getpwuid(self._account.uid).pw_name]
        return [self._program, *user, str(self.folder / "pgbouncer.ini")]

    def answers(self) -> bool:
        """Whether somebody listens."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
        except OSError:
            return False
        return True


def _write_certificate(certificate: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def main() -> None:
    """Find or install what the tests need of it; part of `make test`."""
    for name in ("nginx", "pgbouncer", "redis-server"):
        program(name)


if __name__ == "__main__":
    main()
