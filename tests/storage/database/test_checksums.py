"""Checksums of saved files."""

import subprocess
from pathlib import Path

import pytest

from storage.database.checksums import SUMS, is_changed, sum_of, write_sum


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    unfinished, final = tmp_path / "a.unfinished", tmp_path / "a.db"
    unfinished.write_bytes(b"x" * 3_000_000)
    write_sum(unfinished, final)
    unfinished.rename(final)
    return final


def test_checksum_is_one_of_sha256sum_and_private(saved: Path) -> None:
    assert subprocess.run(["sha256sum", "--check", saved.name + SUMS], cwd=saved.parent, check=False).returncode == 0
    assert sum_of(saved).stat().st_mode & 0o777 == 0o600
    assert not is_changed(saved)


def test_each_changed_byte_is_noticed(saved: Path) -> None:
    for at in (0, 1_500_000, 2_999_999):
        content = bytearray(b"x" * 3_000_000)
        content[at] ^= 1
        saved.write_bytes(content)
        assert is_changed(saved)
    saved.write_bytes(b"x" * 2_999_999)
    assert is_changed(saved)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"no checksum"])
def test_damaged_checksum_counts_as_a_change(saved: Path, content: bytes) -> None:
    sum_of(saved).write_bytes(content)
    assert is_changed(saved)


def test_file_without_a_checksum_is_not_changed(saved: Path) -> None:
    sum_of(saved).unlink()
    assert not is_changed(saved)
