"""Every setting of Surge: read once from the environment, validated, then passed down.

Importing this module reads nothing. A process calls `load_settings()` once and passes the frozen
result down.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from phonenumbers import SUPPORTED_REGIONS
from pydantic import AliasChoices, Field, HttpUrl, ValidationError, ValidationInfo
from pydantic.functional_validators import field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from surge_app.errors import ConfigurationError

PROJECT: Final = Path(__file__).resolve().parent.parent
"""The folder that holds `rxconfig.py`, `alembic/` and `assets/`."""

_PREFIXES = ("SURGE_", "RAZORPAY_", "SENDGRID_", "TWILIO_")
_SIMILAR = 0.85
_SHORTEST_SECRET = 32
_LIVE_KEY_PREFIX = "rzp_live_"
_RAZORPAY_URL = "https://api.razorpay.com"
_REFLEX_DATABASE = 1
_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_SENDGRID_URL = "https://api.sendgrid.com"

CLUSTER_SCHEME = "+cluster://"
"""In `REDIS_URL`, after `redis` or `rediss`: a seed node of a Redis Cluster."""

STATEMENT_SECONDS = 15
"""Statement timeout for requests, enforced by Postgres."""

SESSION_OPTIONS = f"-c statement_timeout={STATEMENT_SECONDS}s"
"""Options of each new connection to Postgres.

A pooler in transaction mode refuses it, which reveals an undeclared one at once.
"""


class Settings(BaseSettings):
    """The configuration of one process.

    Durations end in `_seconds`, money in `_paise`. An empty variable counts as not set, so a
    compose file may pass `REDIS_URL=` without changing anything.

    Attributes:
        database_url: A `postgresql://` URL; None starts the embedded Postgres.
        database_direct_url: Leads to Postgres itself; set it if, and only if, `database_url` leads
            to a pooler in transaction mode, such as PgBouncer. See `direct_url`.
        redis_url: A `redis://`, `rediss://` or `unix://` URL, or a `redis+cluster://` one; None
            starts the embedded Redis.
        states_redis_url: A Redis for the states of open pages, which are no part of a cluster.
        sandbox_port: Set by the launcher; without it each worker stands in for the vendors itself.
        host: The address to listen on, by default all in production and 127.0.0.1 otherwise.
        public_url: Where attendees reach Surge, without a trailing slash; decides links and CORS.
        frontend_url: Set by `make dev` only, whose pages come from another port than the API.
        secret_key: Signs cookies and tokens. A comma-separated list rotates: the first signs,
            all verify. Generated under `data_dir` in development.
        sendgrid_webhook_public_keys: Verify SendGrid's delivery reports; any one may match.
        sms_countries: Where SMS go, beside the country of the event.
        dlt_templates: A JSON file with the texts of SMS as they are registered in India.
        trusted_proxy_hops: Proxies in front of Surge; 0 ignores `X-Forwarded-For`.
        metrics_token: Allows reading `/metrics` from other machines than this one.
        drain_seconds: How long a stopping node still serves while it reports not ready.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    env: Literal["development", "production"] = Field("development", alias="SURGE_ENV")
    data_dir: Path = Field(Path(".surge"), alias="SURGE_DATA_DIR")
    # The development server overwrites PORT with the port of the pages.
    port: int = Field(3000, ge=1, le=65535, validation_alias=AliasChoices("SURGE_API_PORT", "PORT"))
    database_url: str | None = Field(None, alias="DATABASE_URL")
    database_direct_url: str | None = Field(None, alias="SURGE_DATABASE_DIRECT_URL")
    redis_url: str | None = Field(None, alias="REDIS_URL")
    states_redis_url: str | None = Field(None, alias="SURGE_STATES_REDIS_URL")
    sandbox_port: int | None = Field(None, ge=1, le=65535, alias="SURGE_SANDBOX_PORT")
    host: str = Field("", alias="SURGE_HOST")
    public_url: str = Field("", alias="SURGE_PUBLIC_URL")
    frontend_url: str = Field("", alias="SURGE_FRONTEND_URL")
    secret_key: Annotated[tuple[str, ...], NoDecode] = Field((), alias="SURGE_SECRET_KEY")
    trusted_proxy_hops: int = Field(0, ge=0, alias="SURGE_TRUSTED_PROXY_HOPS")
    rate_limits: bool = Field(default=True, alias="SURGE_RATE_LIMITS")
    network_hold_percent: int = Field(10, ge=1, le=100, alias="SURGE_NETWORK_HOLD_PERCENT")
    free_bookings_per_hour: int = Field(10_000, ge=1, alias="SURGE_FREE_BOOKINGS_PER_HOUR")
    queue_personal_below: int = Field(1_000, ge=1, alias="SURGE_QUEUE_PERSONAL_BELOW")
    jobs: bool = Field(default=True, alias="SURGE_JOBS")
    metrics_token: str | None = Field(None, min_length=16, alias="SURGE_METRICS_TOKEN")
    drain_seconds: int = Field(0, ge=0, le=300, alias="SURGE_DRAIN_SECONDS")
    workers: int | None = Field(None, ge=1, le=64, alias="SURGE_WORKERS")
    traces_endpoint: str | None = Field(None, alias="OTEL_EXPORTER_OTLP_ENDPOINT")

    admin_user: str = Field("organizer", min_length=1, alias="SURGE_ADMIN_USER")
    admin_password: str | None = Field(None, min_length=8, alias="SURGE_ADMIN_PASSWORD")
    admin_password_hash: str | None = Field(None, alias="SURGE_ADMIN_PASSWORD_HASH")

    convenience_fee_paise: int = Field(2500, ge=0, alias="SURGE_CONVENIENCE_FEE_PAISE")

    razorpay_key_id: str | None = Field(None, alias="RAZORPAY_KEY_ID")
    razorpay_key_secret: str | None = Field(None, alias="RAZORPAY_KEY_SECRET")
    razorpay_webhook_secrets: Annotated[tuple[str, ...], NoDecode] = Field(
        (), alias="RAZORPAY_WEBHOOK_SECRET"
    )
    razorpay_base_url: str = Field(_RAZORPAY_URL, alias="RAZORPAY_BASE_URL")
    sendgrid_api_key: str | None = Field(None, alias="SENDGRID_API_KEY")
    sendgrid_base_url: str = Field(_SENDGRID_URL, alias="SENDGRID_BASE_URL")
    sendgrid_from: str | None = Field(None, alias="SENDGRID_FROM")
    sendgrid_webhook_public_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        (), alias="SENDGRID_WEBHOOK_PUBLIC_KEY"
    )
    twilio_account_sid: str | None = Field(None, alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: str | None = Field(None, alias="TWILIO_AUTH_TOKEN")
    twilio_base_url: str | None = Field(None, alias="TWILIO_BASE_URL")
    twilio_from: str | None = Field(None, alias="TWILIO_FROM")
    sms_countries: Annotated[frozenset[str], NoDecode] = Field(
        frozenset({"IN"}), alias="SURGE_SMS_COUNTRIES"
    )
    dlt_templates: Path | None = Field(None, alias="SURGE_DLT_TEMPLATES")

    @field_validator(
        "secret_key", "razorpay_webhook_secrets", "sendgrid_webhook_public_keys", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("sms_countries", mode="before")
    @classmethod
    def _are_countries(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        codes = {part.strip().upper() for part in value.split(",") if part.strip()}
        if not codes <= set(SUPPORTED_REGIONS):
            msg = "must be a comma-separated list of two-letter country codes, such as IN,AE"
            raise ValueError(msg)
        return codes

    @field_validator("razorpay_base_url", "sendgrid_base_url", "twilio_base_url", "traces_endpoint")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value and _parsed(value) is None:
            raise ValueError("must be an address that begins with https:// or http://")
        return value and value.rstrip("/")

    @field_validator("public_url", "frontend_url")
    @classmethod
    def _is_an_origin(cls, value: str) -> str:
        """Write it as browsers do in `Origin`: small letters, punycode, no default port."""
        url = _parsed(value)
        if value and (
            url is None
            or not _HOST.fullmatch(url.host or "")
            or any((url.username, url.password, (url.path or "").strip("/"), url.query))
            or "#" in value
        ):
            raise ValueError("must be a scheme and a host, such as https://tickets.example.com")
        return str(url).rstrip("/?") if url else ""

    @field_validator("database_url", "database_direct_url")
    @classmethod
    def _is_postgres(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return value

    @field_validator("redis_url", "states_redis_url")
    @classmethod
    def _is_redis(cls, value: str | None, info: ValidationInfo) -> str | None:
        allowed = ("redis://", "rediss://", "unix://")
        if info.field_name == "redis_url":
            allowed += (f"redis{CLUSTER_SCHEME}", f"rediss{CLUSTER_SCHEME}")
        if value is not None and not value.startswith(allowed):
            raise ValueError(f"must start with {', '.join(allowed[:-1])} or {allowed[-1]}")
        return value

    @model_validator(mode="after")
    def _pairs_come_whole(self) -> Self:
        if CLUSTER_SCHEME in (self.redis_url or "") and not self.states_redis_url:
            msg = "REDIS_URL leads to a cluster, so SURGE_STATES_REDIS_URL must be set too."
            raise ValueError(msg)
        if self.database_direct_url and not self.database_url:
            raise ValueError("SURGE_DATABASE_DIRECT_URL is set, so DATABASE_URL must be set too.")
        return self

    @model_validator(mode="after")
    def _vendor_settings_come_whole(self) -> Self:
        groups = (
            {
                "RAZORPAY_KEY_ID": self.razorpay_key_id,
                "RAZORPAY_KEY_SECRET": self.razorpay_key_secret,
                "RAZORPAY_WEBHOOK_SECRET": self.razorpay_webhook_secrets,
            },
            {"SENDGRID_API_KEY": self.sendgrid_api_key, "SENDGRID_FROM": self.sendgrid_from},
            {
                "TWILIO_ACCOUNT_SID": self.twilio_account_sid,
                "TWILIO_AUTH_TOKEN": self.twilio_auth_token,
                "TWILIO_FROM": self.twilio_from,
            },
        )
        for group in groups:
            present = [name for name, value in group.items() if value]
            missing = [name for name in group if name not in present]
            if present and missing:
                msg = f"{present[0]} is set, so {' and '.join(missing)} must be set too."
                raise ValueError(msg)
        if (self.razorpay_key_id or "").startswith(
            _LIVE_KEY_PREFIX
        ) and self.razorpay_base_url != _RAZORPAY_URL:
            msg = "a live Razorpay key may only be used with Razorpay's own RAZORPAY_BASE_URL."
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _production_is_complete(self) -> Self:
        if self.env != "production":
            return self
        required = {
            "SURGE_SECRET_KEY": self.secret_key,
            "SURGE_PUBLIC_URL": self.public_url,
            "SURGE_ADMIN_PASSWORD_HASH": self.admin_password_hash,
            "RAZORPAY_KEY_ID": self.razorpay_key_id,
            "SENDGRID_API_KEY": self.sendgrid_api_key,
            "TWILIO_ACCOUNT_SID": self.twilio_account_sid,
        }
        missing = [name for name, value in required.items() if not value]
        if missing:
            raise ValueError(f"in production these must be set: {', '.join(missing)}.")
        if any(len(key) < _SHORTEST_SECRET for key in self.secret_key):
            msg = f"SURGE_SECRET_KEY needs at least {_SHORTEST_SECRET} characters in production."
            raise ValueError(msg)
        if not self.rate_limits:
            raise ValueError("SURGE_RATE_LIMITS may not be off in production.")
        return self

    @property
    def is_production(self) -> bool:
        """Return whether this install serves real customers with real money."""
        return self.env == "production"

    @property
    def direct_url(self) -> str | None:
        """A URL that bypasses any pooler: for advisory locks, LISTEN and migrations."""
        return self.database_direct_url or self.database_url

    @property
    def drain_mark(self) -> Path:
        """The file that exists while this node drains."""
        return self.data_dir / "draining"

    @property
    def uses_sandbox_payments(self) -> bool:
        """Return whether payments go to the stand-in under `/sandbox/razorpay`."""
        return self.razorpay_key_id is None

    @property
    def uses_sandbox_mail(self) -> bool:
        """Return whether mail goes to the stand-in under `/sandbox/sendgrid`."""
        return self.sendgrid_api_key is None

    @property
    def uses_sandbox_sms(self) -> bool:
        """Return whether SMS go to the stand-in under `/sandbox/twilio`."""
        return self.twilio_account_sid is None

    @property
    def uses_sandbox(self) -> bool:
        """Return whether any vendor uses its stand-in; the sandbox is mounted only then."""
        return self.uses_sandbox_payments or self.uses_sandbox_mail or self.uses_sandbox_sms

    @property
    def worker_count(self) -> int:
        """The number of web workers of this node."""
        return self.workers or max(2, min(os.cpu_count() or 1, 4))

    @property
    def listen_address(self) -> str:
        """The address the web server binds."""
        return self.host or ("0.0.0.0" if self.is_production else "127.0.0.1")  # noqa: S104  meant

    @property
    def local_url(self) -> str:
        """The address of this node's own HTTP port, for the stand-ins."""
        every = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared, not listened on
        host = every.get(self.listen_address, self.listen_address)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The public base URL: `public_url`, or localhost in development."""
        return self.public_url or self.frontend_url or f"http://localhost:{self.port}"

    @property
    def api_url(self) -> str:
        """The address of API and live connection; built pages use their own origin instead."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def allowed_origins(self) -> list[str]:
        """Origins whose pages may call the API with cookies: our own, under each local name."""
        local = [f"http://{name}:{self.port}" for name in ("localhost", "127.0.0.1")]
        return [self.public_url] if self.is_production else [self.base_url, *local]

    @property
    def reflex_redis_url(self) -> str | None:
        """The Redis for Reflex's states: its own, or the next database of the same server."""
        if self.states_redis_url or self.redis_url is None:
            return self.states_redis_url
        parts = urlsplit(self.redis_url)
        if parts.scheme == "unix":
            query = {**dict(parse_qsl(parts.query)), "db": str(_REFLEX_DATABASE)}
            return f"unix://{parts.path}?{urlencode(query, safe='/')}"
        return urlunsplit(parts._replace(path=f"/{_REFLEX_DATABASE}"))

    @property
    def has_secure_cookies(self) -> bool:
        """Return whether cookies carry `Secure` and the `__Host-` prefix."""
        return self.base_url.startswith("https://")


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment.

    Args:
        **overrides: Values that win over the environment, by field name.

    Returns:
        The validated settings, with `data_dir` absolute.

    Raises:
        ConfigurationError: If a value is wrong or missing, or a name is misspelt; the message is
            one sentence that names the variable.
    """
    _refuse_misspelt(os.environ)
    try:
        settings = Settings(**overrides)  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        raise ConfigurationError(_sentence(error)) from error
    return settings.model_copy(update={"data_dir": settings.data_dir.expanduser().absolute()})


def _parsed(value: str) -> HttpUrl | None:
    try:
        return HttpUrl(value)
    except ValidationError:
        return None


def _refuse_misspelt(names: Iterable[str]) -> None:
    aliases = [field.validation_alias for field in Settings.model_fields.values()]
    known = {alias for alias in aliases if isinstance(alias, str)}
    for name in names:
        if name.startswith(_PREFIXES) and name not in known:
            close = get_close_matches(name, known, n=1, cutoff=_SIMILAR)
            if close:
                msg = f"{name} is no setting, so it has no effect. Did you mean {close[0]}?"
                raise ConfigurationError(msg)


def _sentence(error: ValidationError) -> str:
    parts: list[str] = []
    for item in error.errors(include_url=False, include_input=False):
        name = _variable(str(item["loc"][0])) if item["loc"] else ""
        text = item["msg"].removeprefix("Value error, ").rstrip(".")
        parts.append(f"{name}: {text}" if name else text[:1].upper() + text[1:])
    return "; ".join(parts) + "."


def _variable(key: str) -> str:
    """Return the name of the variable a problem is about, as the operator wrote it."""
    field = Settings.model_fields.get(key)
    alias = field.validation_alias if field else key
    if key == "SURGE_API_PORT" and key not in os.environ:
        return "PORT"
    return alias if isinstance(alias, str) else key
