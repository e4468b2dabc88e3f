"""Files in which the web workers of one node share their counts.

prometheus-client maps them into memory. Touching a mapped page for which a full disk has no block
kills the process with SIGBUS, so importing this module makes it write every block beforehand.
"""

from __future__ import annotations

import mmap
import shutil
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

if TYPE_CHECKING:
    from collections.abc import Generator

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder; read by prometheus-client."""

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - the folder in it is private
# Holds all label values of Surge several times over.
_FILE_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 8


@contextmanager
def shared_folder(data_dir: Path, name: str, *, memory: Path = MEMORY) -> Generator[Path]:
    """Provide an empty private folder: in memory where the system has that, else on the disk.

    Args:
        data_dir: Holds the folder if memory does not.
        name: Unique to the data directory, so that a later run removes what a killed one left.
        memory: Where the system has memory in the form of files.
    """
    folder = data_dir / "metrics"
    for choice in (memory / f"{name}-metrics", folder):
        shutil.rmtree(choice, ignore_errors=True)
        with suppress(OSError):
            choice.mkdir(mode=0o700)
            folder = choice
            break
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _ReservedDict(MmapedDict):
    """Has every block of its file before it maps it; without space it counts in memory alone."""

    def __init__(self, filename: str) -> None:
        try:
            _write_blocks(Path(filename))
            super().__init__(filename)  # pyright: ignore[reportUnknownMemberType]
        except OSError:
            self._f = BytesIO()
            self._m = mmap.mmap(-1, _FILE_BYTES)
            self._capacity, self._used = _FILE_BYTES, _HEAD_BYTES
            self._positions = dict[str, int]()


def _write_blocks(file: Path) -> None:
    scratch = file.with_suffix(".new")
    try:
        scratch.write_bytes(bytes(_FILE_BYTES))
        # Renamed when whole, because other workers read every file that ends in .db.
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)


values.MmapedDict = _ReservedDict  # pyright: ignore[reportPrivateImportUsage]
