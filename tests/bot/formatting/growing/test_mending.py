import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.formatting.growing import mending
from bot.formatting.growing.mending import mended
from tests.processor_time import units_of


@pytest.mark.parametrize(
    ("block", "shown"),
    [
        ("a **b *c", "a **b *c***"),
        ("a <kbd>b", "a <kbd>b</kbd>"),
        ("**a <b>b", "**a <b>b</b>**"),
        ("<b>a</b> c", "<b>a</b> c"),
        ('see <a href="https://e.co', "see"),
        ("see <tg-spo", "see"),
        ("see ||it wa", "see"),
        ("see ||it was|| ok", "see ||it was|| ok"),
        ("a || b", "a || b"),
        ("see <tg-spoiler>it", "see"),
        ("so $\\frac{1", "so"),
        ("so $x^2", "so"),
        ("it costs $5 or more", "it costs $5 or more"),
        ("the $HOME folder is there", "the $HOME folder is there"),
        ("so $$x", "so"),
        ("so \\[x", "so"),
        ("so \\(x\\) and", "so \\(x\\) and"),
        ("\\begin{align}\na", ""),
        ("> [!WARN", ">"),
        ("[![alt](https://e.com/i.png)](htt", "![alt](https://e.com/i.png)"),
        ("1. a\n   ```ba", "1. a\n"),
        ("1. a\n   ```bash\n   ls", "1. a\n   ```bash\n   ls"),
        ("```py\nx\n```", "```py\nx\n```"),
        ("[a](https://e.com/b c", "a"),
        ("<b>a <i>b</b> c", "<b>a <i>b</b> c</i></b>"),
        ("<b>a <i>b</i> c", "<b>a <i>b</i> c</b>"),
        ("| a | b |\n|---|---|\n| `x", "| a | b |\n|---|---|\n"),
    ],
)
def test_block_ends_here(block: str, shown: str) -> None:
    assert mended(block) == shown


@pytest.mark.parametrize("before", ["", "*a ", "|a|\n"])
@pytest.mark.parametrize(
    "part",
    [
        "[",
        "[[a](b)",
        "![[",
        "**a `",
        "$a ",
        "||a ",
        "<b>",
        "\n```",
        "\\(",
        "<a ",
        "> ",
        "*",
        " ",
        "|",
        "|-|\n",
        "|a|\n|-|\n",
        "-",
    ],
)
def test_time_is_bounded(part: str, before: str) -> None:
    """No mark may take time that grows with the square of its number, whatever ends the block."""
    for after in ("", "x", "\0"):
        assert units_of(lambda end=after: mended(before + part * (8000 // len(part)) + end), 60) < 60  # type: ignore[misc]


@given(st.text("ab 1-#+=:!.)>\n&](", max_size=40))
@example("1&&")
@example("1&&&&&&&&")
def test_block_without_openings_is_read_like_any_other(block: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mending, "_ANY_OPENING", re.compile(""))
        in_full = mended(block)
    assert mended(block) == in_full


@pytest.mark.parametrize("tag", ["sub", "sup", "SUB"])
def test_open_subscript_is_held_back_while_it_may_end(tag: str) -> None:
    assert mended(f"H<{tag}>2") == "H"
    assert mended(f"H<{tag}>2</{tag}>O") == f"H<{tag}>2</{tag}>O"
    assert mended(f"H<{tag}>{'2 ' * 31}") == f"H<{tag}>{'2 ' * 31}".rstrip()
    assert mended(f"H<{tag}>2\n**bold") == f"H<{tag}>2\n**bold**"
