"""SHA-256 checksums beside saved files, in the format of `sha256sum`."""

import hashlib
from contextlib import suppress
from pathlib import Path

from storage.database.files import create_private

SUMS = ".sha256"
_BLOCK = 1 << 20


def sum_of(saved: Path) -> Path:
    """Return the path of the file with the checksum of `saved`."""
    return saved.with_name(saved.name + SUMS)


def write_sum(unfinished: Path, final: Path) -> None:
    """Write the checksum of a file that gets the name `final` next, so that `sha256sum --check` can verify it."""
    target = sum_of(final)
    target.unlink(missing_ok=True)
    create_private(target)
    target.write_text(f"{_sha256(unfinished)}  {final.name}\n")


def is_changed(saved: Path) -> bool:
    """Return whether the file is not the one whose checksum was stored; False if it has no checksum."""
    with suppress(FileNotFoundError):
        return sum_of(saved).read_text(errors="replace").split()[:1] != [_sha256(saved)]
    return False


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
