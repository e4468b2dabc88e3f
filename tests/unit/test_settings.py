"""Settings: a wrong one is one sentence that names the variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from surge_app.errors import ConfigurationError
from surge_app.settings import Settings, load_settings

PRODUCTION = {
    "SURGE_ENV": "production",
    "SURGE_SECRET_KEY": "s" * 40,
    "SURGE_PUBLIC_URL": "https://tickets.example",
    "SURGE_ADMIN_PASSWORD_HASH": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA",
    "RAZORPAY_KEY_ID": "rzp_live_abc",
    "RAZORPAY_KEY_SECRET": "secret",
    "RAZORPAY_WEBHOOK_SECRET": "hook",
    "SENDGRID_API_KEY": "SG.x",
    "SENDGRID_FROM": "tickets@example.com",
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": "token",
    "TWILIO_FROM": "+15005550006",
}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


def _load(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def _refusal(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        _load(monkeypatch, variables)
    return str(caught.value)


def _sentence(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> str:
    text = _refusal(monkeypatch, variables)
    assert text.endswith(".")
    assert not text.endswith("..")
    assert "\n" not in text
    assert text[0] == text[0].upper()
    return text


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SURGE_TRUSTED_PROXY_HOP", "SURGE_TRUSTED_PROXY_HOPS"),
        ("SURGE_SECRETKEY", "SURGE_SECRET_KEY"),
        ("RAZORPAY_WEBHOOK_SECRETS", "RAZORPAY_WEBHOOK_SECRET"),
    ],
)
def test_a_misspelt_name_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    assert f"Did you mean {meant}?" in _refusal(monkeypatch, {name: "1"})


def test_a_name_of_another_program_is_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    _load(monkeypatch, {"SURGE_BROWSER": "/usr/bin/chromium", "TWILIO_PROFILE": "mine"})


def test_a_short_secret_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    told = _sentence(monkeypatch, {**PRODUCTION, "SURGE_SECRET_KEY": f"{'s' * 40},short"})
    assert "SURGE_SECRET_KEY" in told
    assert "32 characters" in told


@pytest.mark.parametrize(
    "url",
    [
        *("tickets.example", "//tickets.example", "https://", "https:///", "ftp://a.example"),
        *("https://tickets.example/shop", "https://a.example?from=mail", "https://a.example#top"),
        *("https://a@b.example", "https://user:pass@b.example", "https://a.example."),
        *("https://a..example", "https://a.example:99999", "https://a.example:x", "https://[::1"),
        *("https://a b.example", "https://a.example,https://b.example", "https://*.example"),
        *("https://a.example\\b", "'https://a.example'", "https://a.example;"),
    ],
)
def test_a_public_address_is_a_scheme_and_a_host(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    told = _sentence(monkeypatch, {"SURGE_PUBLIC_URL": url})
    assert "SURGE_PUBLIC_URL" in told
    assert "https://tickets.example.com" in told


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTPS://Tickets.Example", "https://tickets.example"),
        ("https://tickets.example:443/", "https://tickets.example"),
        ("http://tickets.example:80", "http://tickets.example"),
        ("https://tickets.example:8443", "https://tickets.example:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://faß.example", "https://xn--fa-hia.example"),
        (" https://tickets.example ", "https://tickets.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_a_public_address_is_written_as_browsers_write_their_origin(
    monkeypatch: pytest.MonkeyPatch, url: str, origin: str
) -> None:
    settings = _load(monkeypatch, {**PRODUCTION, "SURGE_PUBLIC_URL": url})
    assert settings.base_url == origin
    assert settings.allowed_origins == [origin]


def test_nothing_has_to_be_set() -> None:
    settings = load_settings()
    assert (settings.env, settings.port, settings.base_url) == (
        "development",
        3000,
        "http://localhost:3000",
    )
    assert settings.uses_sandbox_payments
    assert settings.uses_sandbox_mail
    assert settings.uses_sandbox_sms
    assert settings.convenience_fee_paise == 2_500
    assert settings.data_dir.is_absolute()
    assert not settings.has_secure_cookies


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SURGE_ENV", "staging"),
        ("PORT", "abc"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("DATABASE_URL", "mysql://localhost/surge"),
        ("REDIS_URL", "http://localhost:6379"),
        ("SURGE_STATES_REDIS_URL", "redis+cluster://localhost:6379"),
        ("RAZORPAY_BASE_URL", "api.razorpay.com"),
        ("SENDGRID_BASE_URL", "//api.sendgrid.com"),
        ("TWILIO_BASE_URL", "https://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
        ("SURGE_TRUSTED_PROXY_HOPS", "-1"),
        ("SURGE_RATE_LIMITS", "perhaps"),
        ("SURGE_JOBS", "sometimes"),
        ("SURGE_SMS_COUNTRIES", "India"),
        ("SURGE_FREE_BOOKINGS_PER_HOUR", "0"),
        ("SURGE_WORKERS", "0"),
        ("SURGE_WORKERS", "65"),
        ("SURGE_ADMIN_PASSWORD", "short"),
        ("SURGE_CONVENIENCE_FEE_PAISE", "-1"),
        ("SURGE_CONVENIENCE_FEE_PAISE", "25.50"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert _sentence(monkeypatch, {name: value}).startswith(f"{name}: ")


def test_a_wrong_value_is_never_repeated_because_it_may_be_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sentence = _sentence(monkeypatch, {"DATABASE_URL": "mysql://surge:geheim@db/surge"})
    assert "geheim" not in sentence


def test_two_wrong_values_are_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = _sentence(monkeypatch, {"PORT": "abc", "REDIS_URL": "x"})
    assert "PORT: " in sentence
    assert "; REDIS_URL: " in sentence


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"RAZORPAY_KEY_ID": "rzp_test_1"}, {"RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET"}),
        (
            {"RAZORPAY_KEY_ID": "rzp_test_1", "RAZORPAY_KEY_SECRET": "s"},
            {"RAZORPAY_WEBHOOK_SECRET"},
        ),
        (
            {
                "RAZORPAY_KEY_ID": "rzp_test_1",
                "RAZORPAY_KEY_SECRET": "s",
                "RAZORPAY_WEBHOOK_SECRET": " , ",
            },
            {"RAZORPAY_WEBHOOK_SECRET"},
        ),
        ({"SENDGRID_API_KEY": "SG.x"}, {"SENDGRID_FROM"}),
        # Without its key the sandbox would take the mails of someone who meant SendGrid.
        ({"SENDGRID_FROM": "tickets@example.com"}, {"SENDGRID_API_KEY"}),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, {"TWILIO_AUTH_TOKEN", "TWILIO_FROM"}),
    ],
)
def test_the_settings_of_a_vendor_come_whole(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], missing: set[str]
) -> None:
    sentence = _sentence(monkeypatch, variables)
    named = {word.strip(".,") for word in sentence.split() if "_" in word}
    assert named == {next(iter(variables)), *missing}


def test_a_live_key_goes_to_razorpay_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = _sentence(
        monkeypatch, {**PRODUCTION, "RAZORPAY_BASE_URL": "https://razorpay.evil.example"}
    )
    assert "RAZORPAY_BASE_URL" in sentence


def test_a_live_key_goes_to_razorpay_alone_in_development_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {**PRODUCTION, "SURGE_ENV": "development", "RAZORPAY_BASE_URL": "http://x"}
    assert "RAZORPAY_BASE_URL" in _sentence(monkeypatch, variables)


def test_a_test_key_may_go_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "RAZORPAY_KEY_ID": "rzp_test_1",
        "RAZORPAY_KEY_SECRET": "s",
        "RAZORPAY_WEBHOOK_SECRET": "h",
        "RAZORPAY_BASE_URL": "http://127.0.0.1:9/",
    }
    assert _load(monkeypatch, variables).razorpay_base_url == "http://127.0.0.1:9"


def test_a_complete_production_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch, PRODUCTION)
    assert settings.is_production
    assert not settings.uses_sandbox
    assert settings.has_secure_cookies
    assert settings.allowed_origins == ["https://tickets.example"]


@pytest.mark.parametrize(
    "name",
    [
        "SURGE_SECRET_KEY",
        "SURGE_PUBLIC_URL",
        "SURGE_ADMIN_PASSWORD_HASH",
        "RAZORPAY_KEY_ID",
        "SENDGRID_API_KEY",
        "TWILIO_ACCOUNT_SID",
    ],
)
def test_production_refuses_to_start_without_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    without = {key: value for key, value in PRODUCTION.items() if key != name}
    assert name in _sentence(monkeypatch, without)


@pytest.mark.parametrize("name", ["RAZORPAY_WEBHOOK_SECRET", "SENDGRID_FROM", "TWILIO_AUTH_TOKEN"])
def test_production_refuses_half_a_vendor(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    without = {key: value for key, value in PRODUCTION.items() if key != name}
    assert name in _sentence(monkeypatch, without)


def test_production_tells_everything_that_is_missing_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sentence = _sentence(monkeypatch, {"SURGE_ENV": "production"})
    for name in ("SURGE_SECRET_KEY", "SURGE_ADMIN_PASSWORD_HASH", "RAZORPAY_KEY_ID"):
        assert name in sentence


def test_a_plain_password_is_no_password_of_production(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {**PRODUCTION, "SURGE_ADMIN_PASSWORD": "long enough"}
    del variables["SURGE_ADMIN_PASSWORD_HASH"]
    assert "SURGE_ADMIN_PASSWORD_HASH" in _sentence(monkeypatch, variables)


def test_production_keeps_its_rate_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SURGE_RATE_LIMITS" in _sentence(monkeypatch, {**PRODUCTION, "SURGE_RATE_LIMITS": "off"})


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch, {"REDIS_URL": "", "PORT": "", "SURGE_WORKERS": ""})
    assert (settings.redis_url, settings.port, settings.workers) == (None, 3000, None)


@pytest.mark.parametrize(("word", "is_on"), [("on", True), ("off", False), ("0", False)])
def test_switches_understand_on_and_off(
    monkeypatch: pytest.MonkeyPatch, word: str, *, is_on: bool
) -> None:
    settings = _load(monkeypatch, {"SURGE_JOBS": word, "SURGE_RATE_LIMITS": word})
    assert (settings.jobs, settings.rate_limits) == (is_on, is_on)


def test_secrets_are_lists_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = "n" * 40, "o" * 40
    settings = _load(monkeypatch, {**PRODUCTION, "SURGE_SECRET_KEY": f" {new} , {old},"})
    assert settings.secret_key == (new, old)


def test_addresses_lose_their_trailing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch, {"SURGE_PUBLIC_URL": "https://tickets.example/"})
    assert settings.base_url == "https://tickets.example"


@pytest.mark.parametrize(
    ("ours", "reflex"),
    [
        ("redis://h:6379/0", "redis://h:6379/1"),
        ("redis://h:6379", "redis://h:6379/1"),
        ("rediss://u:p@h:6379/0?x=1", "rediss://u:p@h:6379/1?x=1"),
        ("unix:///tmp/a%20b/redis.sock?db=0", "unix:///tmp/a%20b/redis.sock?db=1"),
    ],
)
def test_the_states_of_reflex_live_in_a_database_of_their_own(
    monkeypatch: pytest.MonkeyPatch, ours: str, reflex: str
) -> None:
    assert _load(monkeypatch, {"REDIS_URL": ours}).reflex_redis_url == reflex


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:3000"),
        ("0.0.0.0", "http://127.0.0.1:3000"),
        ("192.0.2.7", "http://192.0.2.7:3000"),
        ("::", "http://[::1]:3000"),
        ("2001:db8::7", "http://[2001:db8::7]:3000"),
    ],
)
def test_a_node_calls_itself_where_it_listens(
    monkeypatch: pytest.MonkeyPatch, host: str, url: str
) -> None:
    assert _load(monkeypatch, {"SURGE_HOST": host}).local_url == url


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1  # pyright: ignore[reportAttributeAccessIssue]


def test_loading_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    _load(monkeypatch, {"SURGE_DATA_DIR": "~/tickets"})
    assert {**os.environ} == {**before, "SURGE_DATA_DIR": "~/tickets"}
    assert load_settings().data_dir == Path("~/tickets").expanduser()


def test_an_override_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "4000")
    assert load_settings(port=5000).port == 5000


def test_locks_and_migrations_go_past_a_pooler_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pooled = {"DATABASE_URL": "postgresql://pooler:6432/surge"}
    assert _load(monkeypatch, pooled).direct_url == "postgresql://pooler:6432/surge"
    direct = {"SURGE_DATABASE_DIRECT_URL": "postgresql://db:5432/surge"}
    settings = _load(monkeypatch, pooled | direct)
    assert settings.database_url == "postgresql://pooler:6432/surge"
    assert settings.direct_url == "postgresql://db:5432/surge"


def test_a_direct_address_alone_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    text = _sentence(monkeypatch, {"SURGE_DATABASE_DIRECT_URL": "postgresql://db:5432/surge"})
    assert text == "SURGE_DATABASE_DIRECT_URL is set, so DATABASE_URL must be set too."
