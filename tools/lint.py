"""Runner of all lint tools: each runs to its end and reports, even after another has failed.

`python -m tools.lint` exits with 1 if at least one tool failed.
"""

import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
PYTHON = sys.executable

TOOLS: dict[str, list[str]] = {
    "ruff check": [str(BIN / "ruff"), "check", "."],
    "ruff format": [str(BIN / "ruff"), "format", "--check", "."],
    "mypy": [str(BIN / "mypy"), "."],
    "import-linter": [str(BIN / "lint-imports")],
    "language": [PYTHON, "-m", "tools.check_language"],
}


def run_all(tools: dict[str, list[str]]) -> list[str]:
    """Run each command, its output passed through. Return the names of the tools that failed."""
    failed = []
    for name, command in tools.items():
        _say(f"== {name}")
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    return failed


def main() -> int:
    """Run all tools, then print one line for each. Return 1 if a tool failed, else 0."""
    failed = run_all(TOOLS)
    for name in TOOLS:
        _say(f"{'FAILED' if name in failed else 'passed'}  {name}")
    return 1 if failed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
