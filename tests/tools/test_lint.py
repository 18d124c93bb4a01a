"""Tests of the lint runner."""

import sys
from pathlib import Path

import pytest

from tools import lint


def _exits_with(code: int) -> list[str]:
    return [sys.executable, "-c", f"raise SystemExit({code})"]


def test_later_tools_run_after_one_has_failed(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    last = [sys.executable, "-c", f"open({str(ran)!r}, 'w').close()"]
    assert lint.run_all({"first": _exits_with(2), "second": _exits_with(0), "last": last}) == ["first"]
    assert ran.exists()


@pytest.mark.parametrize(("codes", "expected"), [((0, 0), 0), ((0, 3), 1), ((1, 0), 1)])
def test_exit_code_is_one_when_any_tool_failed(
    codes: tuple[int, int], expected: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lint, "TOOLS", {f"tool {n}": _exits_with(code) for n, code in enumerate(codes)})
    assert lint.main() == expected
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"{'FAILED' if code else 'passed'}  tool {n}" for n, code in enumerate(codes)
    ]


def test_every_tool_is_in_the_list() -> None:
    assert {"ruff check", "ruff format", "mypy", "import-linter", "language"} <= set(lint.TOOLS)
