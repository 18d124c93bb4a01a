"""A `web` process on SQLite does not import libraries that only other processes need."""

import subprocess
import sys

HEAVY = ("psycopg", "procrastinate", "telegram", "bot", "alembic", "matplotlib", "aiohttp")
CODE = f"""
import sys, main.processes, main.front_ends
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_web_on_sqlite_imports_no_heavy_library() -> None:
    assert subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout == "[]\n"
