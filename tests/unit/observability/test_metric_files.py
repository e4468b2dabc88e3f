"""Counts shared by workers: reserved before use, and given up where there is no space."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from surge_app.observability.metric_files import FOLDER_VARIABLE, shared_folder

_COUNT = """
import resource, sys
if sys.argv[1] != "unlimited":
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from surge_app.observability.metrics import HOLDS, REQUESTS, exposition
REQUESTS.labels("poll", "2xx").observe(0.1)
for outcome in range(200):
    HOLDS.labels(f"outcome-{outcome}").inc()
value = sum(HOLDS.labels(f"outcome-{outcome}")._value.get() for outcome in range(200))
print(int(value), exposition().decode().count('surge_holds_total{'))
"""


def _count(folder: Path, limit: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _COUNT, limit],
        env={**os.environ, FOLDER_VARIABLE: str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_block_of_a_mapped_file_is_on_the_disk_before_it_is_used(tmp_path: Path) -> None:
    assert _count(tmp_path, "unlimited") == "200 200"
    files = list(tmp_path.iterdir())
    assert {path.name.split("_")[0] for path in files} == {"counter", "gauge", "histogram"}
    for path in files:
        assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_a_worker_without_space_for_its_files_counts_alone(tmp_path: Path) -> None:
    assert _count(tmp_path, "100000") == "200 0"
    assert list(tmp_path.iterdir()) == []


def test_counts_are_kept_in_memory_where_the_system_has_that(tmp_path: Path) -> None:
    memory, data = tmp_path / "memory", tmp_path / "data"
    memory.mkdir()
    data.mkdir()
    left = memory / "surge-1-metrics"
    left.mkdir()
    (left / "counter_1.db").touch()
    with shared_folder(data, "surge-1", memory=memory) as folder:
        assert folder == left
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not left.exists()
    with shared_folder(data, "surge-1", memory=tmp_path / "none") as folder:
        assert folder == data / "metrics"
