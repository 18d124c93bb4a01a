import pytest

from bot.formatting.formulas import MOST_CONVERTED, MOST_NESTED, Formula, find


def sources(markdown: str) -> list[str]:
    return [formula.source for _, _, formula in find(markdown)]


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("a $x^2$ b $$y$$ c", ["x^2", "y"]),
        ("\\(a_b\\) and\n\\[ c \\]", ["a_b", " c "]),
        ("$$\nx\n$$", ["\nx\n"]),
        ("costs $5 to $10, $5-$10, $20 and 30$", []),
        ("I have $20 and you have 30$", []),
        ("$HOME/$PATH and US$5 or A$6", []),
        ("`$x$` ``$y$`` \\$z\\$", []),
        ("```\n$x$\n```\n$y$", ["y"]),
        ("```\n$x$", []),
        ("$x\n\ny$", []),
        ("see \\[1\\] and \\[note\\]", []),
        ("$ x$ $x $", []),
        ("$$$$ $$", []),
    ],
)
def test_formulas_are_found_outside_code_and_prices_are_none(markdown: str, found: list[str]) -> None:
    assert sources(markdown) == found


def test_places_and_raw_text_are_those_of_the_source() -> None:
    ((start, end, formula),) = find("so $x$!")
    assert ("so $x$!"[start:end], formula.raw, formula.is_display) == ("$x$", "$x$", False)


@pytest.mark.parametrize(("source", "text"), [("E=mc^2", "E=mc²"), (r"\frac{a}{b}", "a/b"), ("{{{", "{{{"), ("", "")])
def test_formula_is_shown_in_unicode(source: str, text: str) -> None:
    assert Formula("", source).text == text


@pytest.mark.parametrize(
    "source", ["x" * (MOST_CONVERTED + 1), r"\sqrt{" * (MOST_NESTED + 1), "{" * 200, r"\left(" * 100, "[" * 50]
)
def test_long_or_deep_formula_stays_latex(source: str) -> None:
    assert Formula("", source).text == source


@pytest.mark.parametrize("unit", ["$", "$$ ", "$a", "\\(", "\\[a ", "`", "``a", "\\", "\n```", "$a$ "])
def test_time_grows_with_the_length_alone(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    assert all(start < end for start, end, _ in find(text))
