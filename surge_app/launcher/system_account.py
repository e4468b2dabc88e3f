"""The system account of the embedded servers; Postgres refuses to run as root."""

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
# The standard logger: commands without configured logging must not print this to standard
# output.
_log = logging.getLogger(__name__)


class PopenArguments(TypedDict, total=False):
    """`subprocess.Popen` arguments that select an account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A user and group; `is_other` if children must switch to it."""

    uid: int
    gid: int
    is_other: bool

    def popen_arguments(self) -> PopenArguments:
        """Return the arguments that make a child run under this account."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def make_folder(self, folder: Path) -> None:
        """Create a folder with access for this account only."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.is_other:
            os.chown(folder, self.uid, self.gid)
            folder.chmod(0o700)

    def let_through(self, path: Path) -> None:
        """Allow this account to traverse every folder above `path`, without listing it.

        Root's own folders are often closed to other accounts.
        """
        if not self.is_other:
            return
        for folder in reversed(path.resolve().parents):
            status = folder.stat()
            if not self._has_bit(status, stat.S_IXOTH):
                folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
                _log.info("folder_made_traversable folder=%s", folder)

    def let_read(self, tree: Path) -> None:
        """Allow this account to read a program installed under a strict umask."""
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
        folder: The servers' data; its owner from an earlier run wins.

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
