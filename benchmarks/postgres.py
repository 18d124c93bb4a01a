"""A private PostgreSQL server for a benchmark: fsync on, a unix socket in its own folder."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path())


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Yield the server's folder, which is its host name. Raises FileNotFoundError if PostgreSQL is not installed."""
    folder = Path(tempfile.mkdtemp(prefix="farthing-pg-"))
    data = folder / "data"
    options = f"-k {folder} -c listen_addresses='' -c max_connections=200 -c max_wal_size=4GB -c shared_buffers=512MB"
    run(folder, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
    run(folder, "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
    try:
        yield str(folder)
    finally:
        run(folder, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, command: str, *arguments: object) -> str:
    """Run a command, as the account `postgres` if we are root, because initdb refuses root."""
    owner = "postgres" if os.geteuid() == 0 else None
    if owner:
        shutil.chown(folder, owner, owner)
    found = shutil.which(command) or str(BINARIES / command)
    done = subprocess.run(
        [found, *map(str, arguments)],
        check=False,
        stdout=subprocess.DEVNULL if command == "pg_ctl" else subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        text=True,
        user=owner,
        group=owner,
        extra_groups=[] if owner else None,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout}")
    return done.stdout or ""
