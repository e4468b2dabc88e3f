"""The launcher's promises: secrets that stay, one run at a time, nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest

from surge_app.container import Container
from surge_app.errors import ConfigurationError
from surge_app.launcher import connectivity, frontend_build, launch
from surge_app.launcher.launch import run
from surge_app.launcher.ports import free_port
from surge_app.launcher.processes import FileLock, file_lock, matching, storage_problem
from surge_app.launcher.run_record import sole_run
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.launcher.supervisor import RUN_VARIABLE, StopRequested, Supervisor, end_run
from surge_app.settings import load_settings

_SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def _marked(run_id: str) -> list[int]:
    found = matching(lambda process: process.environ().get(RUN_VARIABLE) == run_id)
    return [process.pid for process in found]


def test_secrets_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, admin_password=None, secret_key=())
    first = development_secrets(settings)
    assert first == development_secrets(settings)
    assert len(first.secret_key) == 1
    assert first.admin_password is not None
    assert [len(group) for group in first.admin_password.split("-")] == [4, 4, 4, 4]
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]


def test_configured_secrets_are_kept(tmp_path: Path) -> None:
    settings = load_settings(
        data_dir=tmp_path, admin_password="my own password", secret_key=("mine",)
    )
    assert development_secrets(settings) is settings
    assert list(tmp_path.iterdir()) == []


def test_damaged_secrets_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{", "utf-8")
    with pytest.raises(ConfigurationError, match=r"secrets\.json cannot be read"):
        development_secrets(load_settings(data_dir=tmp_path, admin_password=None, secret_key=()))


def test_a_busy_port_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert run(load_settings(data_dir=tmp_path, port=port)) == 2
    assert capsys.readouterr().err == (
        f"Port {port} is in use; stop what uses it, or set PORT to another one.\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "localhost", "http://127.0.0.1"])
def test_an_address_that_this_machine_does_not_have_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    assert run(load_settings(data_dir=tmp_path, port=free_port(), host=host)) == 2
    assert capsys.readouterr().err == (
        f"SURGE_HOST: this machine has no address {host}; 0.0.0.0 listens on all.\n"
    )


def test_a_second_run_on_the_same_data_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"pid": 77, "port": 3000}), "utf-8")
    lock = FileLock(tmp_path / "run.lock")
    assert lock.acquire()
    assert run(load_settings(data_dir=tmp_path, port=free_port())) == 2
    lock.release()
    assert "(process 77, port 3000)" in capsys.readouterr().err


@pytest.mark.parametrize("is_draining", [True, False], ids=["draining", "stopping"])
def test_a_run_that_is_about_to_end_is_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_draining: bool
) -> None:
    settings = load_settings(data_dir=tmp_path, port=free_port())
    (tmp_path / "run.json").write_text(json.dumps({"pid": 77, "stopping": not is_draining}))
    if is_draining:
        settings.drain_mark.touch()
    other = FileLock(tmp_path / "run.lock")
    assert other.acquire()
    with sole_run(settings, check=other.release):
        assert json.loads((tmp_path / "run.json").read_text())["port"] == settings.port
    assert capsys.readouterr().err == "Waiting for process 77 to stop …\n"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("database_url", "postgresql://u:geheim@127.0.0.1:1/x"),
        ("redis_url", "redis://:geheim@127.0.0.1:1/0"),
    ],
)
def test_an_unreachable_server_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, url: str
) -> None:
    urls: dict[str, object] = {"database_url": None, "redis_url": None, name: url}
    assert run(load_settings(data_dir=tmp_path, port=free_port(), **urls)) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"{name.upper()}: ")
    assert shown.count("\n") == 1
    assert "geheim" not in shown


def test_a_postgres_that_is_too_old_is_one_sentence(
    services: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connectivity, "_OLDEST_POSTGRES", 99)
    with pytest.raises(ConfigurationError, match=r"^DATABASE_URL: .* 99 or newer; this is \d+\.$"):
        connectivity.check_reachable(services.settings)


def test_what_a_killed_run_left_is_ended_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = {**os.environ, RUN_VARIABLE: "killed-run"}
    left = subprocess.Popen(_SLEEP, env=env, start_new_session=True)
    bystander = subprocess.Popen(_SLEEP, env={**os.environ, RUN_VARIABLE: "another-run"})
    (tmp_path / "run.json").write_text(json.dumps({"run_id": "killed-run"}), "utf-8")
    # The run then fails on its unreachable database, which is after the cleaning.
    settings = load_settings(
        data_dir=tmp_path, port=free_port(), database_url="postgresql://127.0.0.1:1/x"
    )
    assert run(settings) == 2
    assert left.wait(60) == -signal.SIGTERM
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    assert "DATABASE_URL" in capsys.readouterr().err
    assert not (tmp_path / "run.json").exists()


def test_ending_a_child_ends_its_children(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print("ready", file=open(sys.argv[1], "w"))
        time.sleep(60)
        """
    )
    supervisor, ready = Supervisor(), tmp_path / "ready"
    child = supervisor.start(
        [sys.executable, "-c", script, str(ready)],
        cwd=tmp_path,
        env={**os.environ, RUN_VARIABLE: tmp_path.name},
    )
    supervisor.wait_for(child, ready.exists, seconds=60)
    assert len(_marked(tmp_path.name)) == 2
    supervisor.end(child, seconds=5)
    end_run(tmp_path.name, seconds=5)
    assert _marked(tmp_path.name) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_step_at_work(tmp_path: Path, number: signal.Signals) -> None:
    # Whoever runs the tests may have told them to outlive a terminal, as nohup does.
    before = signal.signal(number, signal.SIG_DFL)
    # The step itself sends it, so it is at work for certain when the signal comes.
    step = f"import os, time; os.kill({os.getpid()}, {int(number)}); time.sleep(60)"
    supervisor = Supervisor()
    try:
        with supervisor.listening(), pytest.raises(StopRequested):
            supervisor.call(
                [sys.executable, "-c", step],
                cwd=tmp_path,
                env=os.environ,
                log=tmp_path / "log",
                failure="It failed",
            )
    finally:
        signal.signal(number, before)


def test_a_second_wish_to_stop_ends_the_draining(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # The child sends both wishes itself, the second once it sees that it may go on for a while.
    twice = (
        f"import os, pathlib, signal, sys, time\n"
        f"os.kill({os.getpid()}, signal.SIGTERM)\n"
        f"while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.05)\n"
        f"os.kill({os.getpid()}, signal.SIGTERM)\n"
        f"time.sleep(600)\n"
    )
    supervisor, mark = Supervisor(), tmp_path / "draining"
    child = subprocess.Popen([sys.executable, "-c", twice, str(mark)])
    try:
        with supervisor.listening(), pytest.raises(StopRequested):
            supervisor.watch(child, drain_mark=mark, drain_seconds=600)
        assert child.poll() is None
        assert not mark.exists()
    finally:
        signal.signal(signal.SIGTERM, before)
        child.kill()
        child.wait()


def test_a_failed_step_names_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such table')"]
    log = tmp_path / "step.log"
    with pytest.raises(ConfigurationError, match=r"^The step failed; .*step\.log\.$"):
        Supervisor().call(command, cwd=tmp_path, env=os.environ, log=log, failure="The step failed")
    assert "no such table" in log.read_text("utf-8")


def test_a_failed_build_says_what_npm_said(tmp_path: Path) -> None:
    said = (
        "npm silly fetch\nnpm error code ENOTFOUND\nnpm error network failed\n"
        + "npm silly\n" * 300
    )
    command = [sys.executable, "-c", f"import sys; print({said!r}); sys.exit(1)"]
    with pytest.raises(
        ConfigurationError, match=r"failed \(npm: code ENOTFOUND; network failed\); "
    ):
        Supervisor().call(
            command, cwd=tmp_path, env=os.environ, log=tmp_path / "log", failure="The step failed"
        )


def test_a_build_that_waits_for_another_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "PROJECT", tmp_path)
    monkeypatch.setattr(launch, "_BUILD_LOCK_SECONDS", 0.2)
    with file_lock(tmp_path, timeout_seconds=0):
        assert launch.build(load_settings(data_dir=tmp_path / "data")) == 2
    shown = capsys.readouterr()
    assert shown.out == "Another Surge builds pages in this folder; waiting for it …\n"
    assert shown.err.startswith("Another Surge process has held ")


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    # A device on which every write fails as on a full disk.
    full, copies = Path("/dev/full"), tmp_path / "copies"
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("x", "utf-8")
    copies.mkdir()
    (copies / "index.html").symlink_to(full)
    with pytest.raises(OSError, match="No space") as written:
        full.write_text("x", "utf-8")
    with pytest.raises(shutil.Error) as copied:
        shutil.copytree(tmp_path / "pages", copies, dirs_exist_ok=True)
    for error in (written.value, copied.value):
        told = storage_problem(error) or ""
        assert "No space left on device" in told
        assert "SURGE_DATA_DIR" in told
    assert storage_problem(FileNotFoundError(2, "No such file")) is None


def test_pages_are_built_once_per_state_of_their_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, data = tmp_path / "project", tmp_path / "data"
    (project / "surge_app" / "pages").mkdir(parents=True)
    (project / "surge_app" / "kv").mkdir()
    (project / "assets").mkdir()
    monkeypatch.setattr(frontend_build, "PROJECT", project)
    settings = load_settings(data_dir=data, port=3000)
    builds: list[int] = []

    def build() -> None:
        builds.append(1)
        client = project / ".web" / "build" / "client"
        (client / "assets").mkdir(parents=True, exist_ok=True)
        (client / "index.html").write_text(f"build {len(builds)}", "utf-8")
        script = client / "assets" / "reflex-env-a1.js"
        script.write_text(
            "var e={PING:`http://localhost:3000/ping`,EVENT:'wss://a.example/_event',T:`x`}",
            "utf-8",
        )
        script.with_name("reflex-env-a1.js.br").write_bytes(b"the same, compressed")

    site = frontend_build.provide_pages(settings, build)
    frontend_build.provide_pages(settings, build)
    elsewhere = {"port": 4000, "public_url": "https://b.example", "data_dir": tmp_path / "other"}
    frontend_build.provide_pages(settings.model_copy(update=elsewhere), build)
    (project / "surge_app" / "kv" / "line.py").write_text("changed", "utf-8")
    frontend_build.provide_pages(settings, build)
    assert len(builds) == 1
    (project / "surge_app" / "pages" / "events.py").write_text("changed", "utf-8")
    frontend_build.provide_pages(settings, build)
    assert len(builds) == 2
    assert (site / "build" / "client" / "index.html").read_text("utf-8") == "build 2"
    (script,) = (site / "build" / "client" / "assets").iterdir()
    assert script.read_text("utf-8") == (
        "var e={PING:`${location.origin}/ping`,"
        'EVENT:`${location.origin.replace(/^http/, "ws")}/_event`,T:`x`}'
    )


def test_packages_of_a_build_that_was_cut_off_are_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontend_build, "PROJECT", tmp_path)
    web = tmp_path / ".web"
    settings = load_settings(data_dir=tmp_path / "data")

    def cut_off() -> None:
        # As Reflex does when it first builds.
        shutil.rmtree(web)
        (web / "node_modules" / "pathe").mkdir(parents=True)
        (web / "reflex.install_frontend_packages.cached").touch()
        raise KeyboardInterrupt

    def whole() -> None:
        assert not (web / "node_modules").exists()
        assert not (web / "reflex.install_frontend_packages.cached").exists()
        script = web / "build" / "client" / "assets" / "reflex-env-a1.js"
        script.parent.mkdir(parents=True)
        script.write_text("var e={PING:`http://localhost:3000/ping`}", "utf-8")
        (web / "build" / "client" / "index.html").write_text("<title>New</title>", "utf-8")
        (web / "node_modules").mkdir()

    with pytest.raises(KeyboardInterrupt):
        frontend_build.provide_pages(settings, cut_off)
    frontend_build.provide_pages(settings, whole)


def test_packages_of_a_whole_build_are_kept(tmp_path: Path) -> None:
    web = tmp_path / ".web"
    with frontend_build.complete_or_marked(web):
        (web / "node_modules").mkdir()
    with frontend_build.complete_or_marked(web):
        assert (web / "node_modules").exists()


def test_a_build_whose_address_is_not_found_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontend_build, "PROJECT", tmp_path)
    client = tmp_path / ".web" / "build" / "client"

    def build() -> None:
        client.mkdir(parents=True)
        (client / "index.html").write_text("<title>New</title>", "utf-8")

    with pytest.raises(ConfigurationError, match="no address of the API"):
        frontend_build.provide_pages(load_settings(data_dir=tmp_path / "data"), build)


@pytest.mark.parametrize("host", ["", "0.0.0.0"])
def test_hot_reload_serves_its_pages_to_this_machine_unless_told_otherwise(
    tmp_path: Path, host: str
) -> None:
    package = Path(__file__).parents[3] / "reflex.lock" / "package.json"
    shown = tmp_path / "react-router"
    shown.write_text('#!/bin/sh\necho "$@"\n', "utf-8")
    shown.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SURGE_HOST": host}
    done = subprocess.run(
        json.loads(package.read_text("utf-8"))["scripts"]["dev"],
        shell=True,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"dev --host {host or '127.0.0.1'}\n"


def test_the_toolchain_runs_the_node_of_the_requirements(tmp_path: Path) -> None:
    env = {**os.environ, **frontend_build.toolchain_environment(tmp_path)}
    for program, least in (("node", 22), ("npm", 10)):
        shown = subprocess.run(
            [program, "--version"], env=env, capture_output=True, text=True, check=True
        )
        assert int(shown.stdout.removeprefix("v").split(".")[0]) >= least
    with suppress(FileNotFoundError):
        assert (tmp_path / "toolchain" / "npm").is_symlink()
