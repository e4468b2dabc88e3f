"""What `deploy/` names is there: settings, files, routes, and a user who is not root."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices

from surge_app.settings import Settings
from tests.architecture import snapshots

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OURS = re.compile(r"\b(?:SURGE|RAZORPAY|SENDGRID|TWILIO)_[A-Z_]+\b")
# Made by whoever sets it up, and never part of a checkout.
MADE_THERE = {"certificates", "surge.env"}
TEXTS = [
    path
    for path in sorted(DEPLOY.rglob("*"))
    if path.is_file() and path.suffix not in {".md", ".json"}
]
YAMLS = sorted(DEPLOY.rglob("*.yml"))


def _settings() -> set[str]:
    found: set[str] = set()
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        names = alias.choices if isinstance(alias, AliasChoices) else [alias]
        found |= {str(name) for name in names}
    return found


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_variable_that_is_named_is_a_setting(path: Path) -> None:
    named = set(OURS.findall(path.read_text("utf-8")))
    assert named - _settings() == set()


@pytest.mark.parametrize("path", YAMLS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_yaml_can_be_read(path: Path) -> None:
    assert _read(path)


def test_every_file_of_the_compose_file_is_there() -> None:
    services: dict[str, Any] = _read(DEPLOY / "compose.yml")["services"]
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume.startswith(".")
    ]
    built = [service["build"] for service in services.values() if "build" in service]
    folders = [one if isinstance(one, str) else one["context"] for one in built]
    dockerfiles = ["../" + one["dockerfile"] for one in built if isinstance(one, dict)]
    named = {*mounted, *folders, *dockerfiles}
    assert len(named) > 5
    missing = {
        name for name in named if Path(name).name not in MADE_THERE and not (DEPLOY / name).exists()
    }
    assert missing == set()


def test_every_service_starts_again_and_no_database_is_open_to_the_world() -> None:
    services: dict[str, Any] = _read(DEPLOY / "compose.yml")["services"]
    assert {
        name for name, one in services.items() if one.get("restart") != "unless-stopped"
    } == set()
    assert all("ports" not in services[name] for name in ("postgres", "pgbouncer", "redis", "app"))


def test_the_image_runs_without_root_and_asks_an_address_that_exists() -> None:
    lines = (DEPLOY / "Containerfile").read_text("utf-8")
    last = lines.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!root\b|0\b)\w+$", last, re.MULTILINE)
    asked = re.search(r"HEALTHCHECK.*?http://127\.0\.0\.1:3000(/[\w/]+)", last, re.DOTALL)
    assert asked is not None
    assert f"GET {asked[1]}" in snapshots.stored("api.txt")
    copied = re.findall(r"^COPY (?!--)(\S+) ", lines, re.MULTILINE)
    assert copied == ["requirements.lock", "."]


@pytest.mark.parametrize("ignored", [".gitignore", ".dockerignore"])
def test_secrets_of_a_deployment_enter_neither_git_nor_an_image(ignored: str) -> None:
    named = {
        line.removeprefix("**/").strip("/")
        for line in (ROOT / ignored).read_text("utf-8").splitlines()
    }
    assert {".env*", "*.env", "*.pem", "*.key", "deploy/certificates"} <= named
    # `deploy/surge.env` is the name that the guide gives, and `*.env` covers it.
    assert "deploy/surge.env" in (ROOT / "docs" / "guides" / "deploy.md").read_text("utf-8")


def test_commands_of_the_guide_and_the_backup_find_what_the_service_serves() -> None:
    def read(path: Path) -> str:
        return path.read_text("utf-8")

    service, backup = (
        read(DEPLOY / "systemd" / f"{name}.service") for name in ("surge", "surge-backup")
    )
    guide = (
        read(ROOT / "docs" / "guides" / "deploy.md").partition("\nsurge() {")[2].partition("}\n")[0]
    )
    for pattern in (r"SURGE_DATA_DIR=(\S+)", r"EnvironmentFile=(\S+)", r"(?:User|--uid)=(\S+)"):
        (value,) = re.findall(pattern, service)
        assert re.findall(pattern, backup) == re.findall(pattern, guide) == [value]
    # systemd-run looks for a relative path where it is called from.
    (program,) = re.findall(r"^ExecStart=(\S+)", service, re.MULTILINE)
    assert f" {program} -m surge_app" in guide


def test_an_outage_of_all_nodes_raises_an_alert_too() -> None:
    text = (DEPLOY / "metrics" / "alerts.yml").read_text("utf-8")
    jobs = {
        job["job_name"] for job in _read(DEPLOY / "metrics" / "prometheus.yml")["scrape_configs"]
    }
    asked = re.findall(r'(absent\()?up{job="(\w+)"}', text)
    # What the nodes themselves report is missing while none of them answers.
    assert [bool(absent) for absent, _ in asked] == [False, True]
    assert {job for _, job in asked} <= jobs


def test_every_alert_says_when_how_bad_and_what_to_do() -> None:
    groups = _read(DEPLOY / "metrics" / "alerts.yml")["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert len(rules) > 5
    assert len({rule["alert"] for rule in rules}) == len(rules)
    silent = [
        rule["alert"]
        for rule in rules
        if not (rule["expr"] and rule["labels"]["severity"] and rule["annotations"])
    ]
    assert silent == []


def test_an_alert_about_an_age_waits_for_the_first_run_after_a_stop() -> None:
    groups = _read(DEPLOY / "metrics" / "alerts.yml")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    aged = [rule for rule in rules if re.search(r"_(age|oldest)_seconds", rule["expr"])]
    assert len(aged) == 4
    assert [rule["alert"] for rule in aged if "for" not in rule] == []


def test_no_container_gets_the_password_of_another() -> None:
    services: dict[str, Any] = _read(DEPLOY / "compose.yml")["services"]
    own = services["app"]["environment"]
    others = {"POSTGRES_PASSWORD", "GRAFANA_PASSWORD"}
    assert {name for name in others if own[name] != ""} == set()


def _seconds(path: str, directive: str) -> int:
    found = re.search(
        rf"^\s*{directive} (\d+)s;", (DEPLOY / "proxy" / path).read_text("utf-8"), re.MULTILINE
    )
    assert found, (path, directive)
    return int(found[1])


def test_the_proxy_ends_connections_that_only_occupy_it() -> None:
    assert _seconds("nginx.conf", "send_timeout") <= 15
    assert _seconds("nginx.conf", "keepalive_timeout") <= 30
    assert _seconds("surge.conf", "client_body_timeout") <= 15
    assert _seconds("surge.conf", "client_header_timeout") <= 15
    assert "limit_conn addresses 2000;" in (DEPLOY / "proxy" / "nginx.conf").read_text("utf-8")


@pytest.mark.parametrize("path", ["upstream-compose.conf", "upstream-one-machine.conf"])
def test_the_proxy_closes_a_connection_before_surge_does(path: str) -> None:
    # Surge closes an idle one after 30 seconds, and a request sent just then would be lost.
    assert _seconds(path, "keepalive_timeout") < 30
