"""The command line, run in a subprocess."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ("run", "web", "clock", "sandbox", "migrate", "setup", "audit", "quote")


def ran(folder: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "main", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_sub_command(tmp_path: Path) -> None:
    done = ran(tmp_path, "--help")
    assert done.returncode == 0
    assert [name for name in COMMANDS if f"    {name} " not in done.stdout] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_each_sub_command_explains_itself(tmp_path: Path, name: str) -> None:
    done = ran(tmp_path, name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: python -m main {name}")


def test_start_without_settings_names_them_and_the_sandbox(tmp_path: Path) -> None:
    done = ran(tmp_path)
    assert done.returncode == 2
    assert "TELEGRAM_BOT_TOKEN" in done.stderr
    assert "sandbox" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_wrong_setting_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "farthing.toml").write_text('[plans.free]\ntokens = 5\n[health]\nrest_seconds = "long"\n')
    done = ran(tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "farthing.toml: plans.free.tokens: no such key; docs/configuration.md lists the existing keys",
        done.stderr.splitlines()[1],
    ]
    assert "farthing.toml: health.rest_seconds:" in done.stderr


def test_wrong_variable_is_named_and_its_value_is_hidden(tmp_path: Path) -> None:
    done = ran(tmp_path, PORT="s3cret-port", ADMIN_IDS="me")
    assert done.returncode == 2
    assert "environment: PORT:" in done.stderr
    assert "environment: ADMIN_IDS: " in done.stderr
    assert "s3cret-port" not in done.stderr


def test_help_loads_neither_engine_nor_http_client() -> None:
    """Imports take most of the time of `--help`."""
    listing = "import sys, main.__main__; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", listing],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "main.settings" in loaded
    heavy = {"httpx", "fastapi", "telegram", "sqlmodel", "uvicorn", "engine.gateway", "engine.providers.http"}
    assert loaded & heavy == set()


def test_password_of_the_database_is_never_printed(tmp_path: Path) -> None:
    """The driver's own error quotes the whole address if it can't read it."""
    url = "postgres://farthing:s3cret%zzpass@127.0.0.1:1/x"
    for command in ("web", "audit", "migrate", "rollup"):
        done = ran(tmp_path, command, DATABASE_URL=url, OPENAI_API_KEY="sk-x")
        assert done.returncode != 0
        assert done.stderr
        assert "s3cret" not in done.stdout + done.stderr, command


@pytest.mark.parametrize("command", ["migrate", "rollup"])
def test_unusable_database_is_one_sentence_without_a_traceback(tmp_path: Path, command: str) -> None:
    (tmp_path / "torn.db").write_text("no database " * 500)
    done = ran(tmp_path, command, DATABASE_URL="sqlite:///torn.db")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "The database can't be used: file is not a database. `python -m main doctor` says what to do."
    )
    assert "Traceback" not in done.stderr


def test_env_file_and_database_are_their_owners_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///own.db\n")
    (tmp_path / ".env").chmod(0o644)
    assert ran(tmp_path, "migrate").returncode == 0
    assert [f"{(tmp_path / name).stat().st_mode & 0o777:o}" for name in (".env", "own.db")] == ["600", "600"]
