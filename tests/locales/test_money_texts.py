"""A guard: amounts of money that people read are written only by the formats of a language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import locales

ROOT = Path(__file__).parents[2]
PLACES = ("bot", "scheduler", "documents")
UNITS = re.compile(r"\s*(USD|¢|\$)")


@pytest.mark.parametrize("code", locales.LANGUAGES)
def test_no_text_adds_a_unit_to_an_amount(code: str) -> None:
    language = locales.LANGUAGES[code]
    texts = {**language.texts, **language.invoice}
    assert [key for key, text in texts.items() if re.search(r"\}\s?(USD|¢|\$)|\$\{", text)] == []


def test_no_code_adds_a_unit_to_an_amount() -> None:
    assert [place for place, node in formatted() if adds_unit(node)] == []


def test_guard_finds_a_unit_beside_a_value() -> None:
    found = ast.walk(ast.parse('f"{a} USD"; f"{a} ¢"; f"${a}"; f"{a} tokens"'))
    assert [adds_unit(node) for node in found if isinstance(node, ast.JoinedStr)] == [True, True, True, False]


def formatted() -> Iterator[tuple[str, ast.JoinedStr]]:
    for folder in PLACES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.parent.name == "formatting":  # the dollar sign of a formula
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def adds_unit(node: ast.JoinedStr) -> bool:
    """Return True if a unit of money stands directly before or after a value."""
    for left, right in zip(node.values, node.values[1:], strict=False):
        if isinstance(left, ast.FormattedValue) and isinstance(right, ast.Constant) and UNITS.match(str(right.value)):
            return True
        if isinstance(left, ast.Constant) and str(left.value).endswith("$") and isinstance(right, ast.FormattedValue):
            return True
    return False
