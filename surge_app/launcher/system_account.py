"""The system account the embedded servers run under: Postgres refuses to be root."""

from __future__ import annotations

import logging
import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from surge_app.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_CANDIDATES = ("postgres", "nobody")
# The standard logger, because a command that did not configure logging must not find this line
# in its standard output.
_log = logging.getLogger(__name__)


class PopenArguments(TypedDict, total=False):
    """What `subprocess.Popen` needs to start a child under another account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A user and group; `is_other` tells whether children must change to it."""

    uid: int
    gid: int
    is_other: bool

    def popen_arguments(self) -> PopenArguments:
        """Return the arguments that make a child run under this account."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def make_folder(self, folder: Path) -> None:
        """Create a folder that only this account may enter."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.is_other:
            os.chown(folder, self.uid, self.gid)
            folder.chmod(0o700)

    def let_through(self, path: Path) -> None:
        """Let this account pass through every folder above `path`, and no more than pass.

        Root's own folders are often closed to everyone else. Passing through one does not
        allow listing or reading it.
        """
        if not self.is_other:
            return
        for folder in reversed(path.resolve().parents):
            status = folder.stat()
            if not self._has_bit(status, stat.S_IXOTH):
                folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
                _log.info("folder_made_traversable folder=%s", folder)

    def let_read(self, tree: Path) -> None:
        """Let this account read an installed program that a strict umask closed to others."""
        self.let_through(tree)
        if not self.is_other or self._has_bit(tree.stat(), stat.S_IROTH):
            return
        for path in (tree, *tree.rglob("*")):
            if path.is_symlink():
                continue
            mode = stat.S_IMODE(path.stat().st_mode)
            enter = stat.S_IXOTH if mode & stat.S_IXUSR else 0
            path.chmod(mode | stat.S_IROTH | enter)

    def _has_bit(self, status: os.stat_result, bit: int) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & bit << 6)
        if status.st_gid == self.gid:
            return bool(status.st_mode & bit << 3)
        return bool(status.st_mode & bit)


def server_account(folder: Path) -> Account:
    """Choose the account for the servers: this process's own, unless it is root.

    Args:
        folder: The servers' data; an owner from an earlier run is kept.

    Raises:
        ConfigurationError: If the process is root and the system has no unprivileged account.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_other=False)
    if folder.exists() and (status := folder.stat()).st_uid != 0:
        return Account(status.st_uid, status.st_gid, is_other=True)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, is_other=True)
    msg = (
        "Postgres refuses to run as root and there is no account named "
        f"{' or '.join(_CANDIDATES)}; run Surge as an ordinary user or set DATABASE_URL."
    )
    raise ConfigurationError(msg)
