"""The deployment files name only existing commands, variables, paths and ports, and wait for running answers."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from main.__main__ import _COMMANDS
from main.lifecycle import GRACE_SECONDS
from main.settings import Environment

ROOT = Path(__file__).parents[2]
FILES = (
    "Procfile",
    "Dockerfile",
    "compose.yaml",
    *sorted(f"deploy/{each.name}" for each in (ROOT / "deploy").iterdir()),
)
PORT = Environment.model_fields["port"].default
OF_OTHERS = re.compile(r"POSTGRES_\w+|PYTHON\w+")
COMMAND = re.compile(r"\bpython[\"', ]+-m[\"', ]+main\b(?:[\"', ]+([a-z]+))?")
VARIABLES = {
    "Dockerfile": r"(?:^ENV |(?<= ))([A-Z_]{3,})=",
    "compose.yaml": r"^ {4}([A-Z_]{3,}): ",
    "deploy/fly.toml": r"^ {2}([A-Z_]{3,}) = ",
    "deploy/render.yaml": r"- key: ([A-Z_]+)",
}
GRACES = {
    "compose.yaml": r"stop_grace_period: (\d+)s",
    "deploy/fly.toml": r"kill_timeout = (\d+)",
    "deploy/render.yaml": r"maxShutdownDelaySeconds: (\d+)",
    "deploy/railway.json": r'"drainingSeconds": (\d+)',
    "deploy/farthing.service": r"TimeoutStopSec=(\d+)",
}
PORTS = {
    "Dockerfile": r"EXPOSE (\d+)|PORT\\\", (\d+)",
    "compose.yaml": r'PORT: "(\d+)"|server web:(\d+)|127\.0\.0\.1:(\d+)',
    "deploy/fly.toml": r"internal_port = (\d+)",
    "deploy/farthing.socket": r"ListenStream=[\d.]+:(\d+)",
}


def read(name: str) -> str:
    return (ROOT / name).read_text()


def found(name: str, pattern: str) -> list[str]:
    """Return, for each match, the group that matched."""
    return [next(filter(None, match.groups())) for match in re.finditer(pattern, read(name), re.MULTILINE)]


@pytest.mark.parametrize("name", [name for name in FILES if COMMAND.search(read(name))])
def test_commands_exist(name: str) -> None:
    known = {command for command, *_ in _COMMANDS}
    assert {match[1] for match in COMMAND.finditer(read(name)) if match[1]} <= known


@pytest.mark.parametrize("name", VARIABLES)
def test_variables_are_in_the_example(name: str) -> None:
    example = set(re.findall(r"^#?([A-Z_]+)=", read(".env.example"), re.MULTILINE))
    used = [each for each in found(name, VARIABLES[name]) if not OF_OTHERS.fullmatch(each)]
    assert used, "the pattern finds them"
    assert set(used) <= example


@pytest.mark.parametrize("name", GRACES)
def test_answers_in_progress_may_end(name: str) -> None:
    graces = found(name, GRACES[name])
    assert graces
    assert all(int(each) >= GRACE_SECONDS + 10 for each in graces)


@pytest.mark.parametrize("name", PORTS)
def test_ports_are_the_default(name: str) -> None:
    ports = found(name, PORTS[name])
    assert ports
    assert {int(each) for each in ports} == {PORT}


def test_paths_of_health_checks_exist() -> None:
    paths = set(found("web/health.py", r'routes\.get\(\s*"(/\w+)"'))
    checks = tomllib.loads(read("deploy/fly.toml"))["http_service"]["checks"]
    named = {check["path"] for check in checks} | {json.loads(read("deploy/railway.json"))["deploy"]["healthcheckPath"]}
    named |= set(found("deploy/render.yaml", r"healthCheckPath: (\S+)"))
    named |= set(found("compose.yaml", r"127\.0\.0\.1:\d+(/\w+)")) | set(found("Dockerfile", r"(/health)'"))
    assert named
    assert named <= paths


def test_files_that_the_image_copies_exist() -> None:
    sources = [each for line in found("Dockerfile", r"^COPY (.+)$") for each in line.split()[:-1]]
    assert sources
    assert all((ROOT / each).exists() for each in sources)


def test_host_that_looks_for_requirements_gets_the_locked_ones() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["-r requirements/runtime.txt"]
