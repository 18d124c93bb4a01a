import pytest

from bot.formatting.markdown import render
from bot.formatting.source import label_of, prepared
from tests.processor_time import units_of

TRICKY = [
    "a<b <https://x.org> <me@x.y> \\<c <div>",
    "[1]: https://x.org\n[1]: again\n`[a]: b`",
    "**重点：**内容 说**“你好”**然后",
    "$x$ \\(y\\) $$\nz\n$$ `$q$`",
    "<details>\n<summary>s</summary>\n</details>",
    "|a|\n|-|\n|1|2|3|\n",
    "|a|b|\n|-|-|\n|1|`x|y`|3|\nbelow **(it)**is\nend\n\n|",
    "a/**/*.c b_*.c **a:**b x/__y__/z",
]


@pytest.mark.parametrize("markdown", TRICKY)
def test_prepared_text_leads_back_to_the_original(markdown: str) -> None:
    source = prepared(markdown)
    assert source.restored(source.text) == markdown


def test_plain_text_is_unchanged() -> None:
    assert prepared("Just *words*, and - dashes.").text == "Just *words*, and - dashes."


def test_link_definitions_are_kept_by_label_and_footnotes_are_none() -> None:
    assert prepared("[A  b]: https://x.org\n[^1]: word").links == {"a b": "https://x.org"}
    assert label_of(" A\n B ") == "a b"


def test_address_of_underscores_is_prepared_in_time() -> None:
    address = "https://e.org/" + "_" * 100_000
    assert units_of(lambda: prepared(address), 50) < 50  # 1 in 2026


@pytest.mark.parametrize(
    "unit", ["|`", "`a|", "**a", "**(a", "*", "/**", "__a", "a.__", "|``|`", "| `a|b` ", "|a|b|\n|-|-|\nx\n"]
)
def test_marks_without_an_end_are_prepared_in_time(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    assert units_of(lambda: prepared(text), 600) < 600


@pytest.mark.parametrize(
    ("markdown", "text", "marks"),
    [
        ("||secret **word**|| is", "secret word is", ["spoiler", "bold"]),
        ("(||one||), ||two||!", "(one), two!", ["spoiler", "spoiler"]),
        ("<tg-spoiler>one</tg-spoiler>", "one", ["spoiler"]),
        ("||has `code` in||", "has code in", ["spoiler", "code", "spoiler"]),
        ("if (a || b || c) return x||y||z;", "if (a || b || c) return x||y||z;", []),
        ("run ||exit 1 || true", "run ||exit 1 || true", []),
        ("||open\n\nend||", "||open\n\nend||", []),
        ("|| ||, ||||", "|| ||, ||||", []),
        ("`a ||b|| c`", "a ||b|| c", ["code"]),
        ("The norm ||x|| = ||x - y||_2", "The norm ||x|| = ||x - y||_2", []),
        ("||**w**||² and ||x_train - x_test||", "||w||² and ||x_train - x_test||", ["bold"]),
        ("||凶手||", "凶手", ["spoiler"]),
    ],
)
def test_bars_around_words_are_a_spoiler(markdown: str, text: str, marks: list[str]) -> None:
    (piece,) = render(markdown)
    assert piece.text == text
    assert [each.type for each in piece.entities] == marks


@pytest.mark.parametrize(
    ("markdown", "text", "url"),
    [
        (
            'see <a href="https://e.org/a_b_c?x=1&y=2">this **page**</a>.',
            "see this page.",
            "https://e.org/a_b_c?x=1&y=2",
        ),
        ("<a class=x href='https://e.org' target=_blank>l</a>", "l", "https://e.org"),
        ('- <a href="https://e.org">one</a>', "• one", "https://e.org"),
        ('<a href="javascript:x">l</a>', '<a href="javascript:x">l</a>', None),
        ('<a href="https://e.org">l', '<a href="https://e.org">l', None),
        ('`<a href="https://e.org">l</a>`', '<a href="https://e.org">l</a>', None),
        ("<a>l</a>", "<a>l</a>", None),
        ("</a>", "</a>", None),
    ],
)
def test_html_link_is_a_link(markdown: str, text: str, url: str | None) -> None:
    (piece,) = render(markdown)
    assert piece.text == text
    assert next((each.url for each in piece.entities if each.type == "text_link"), None) == url


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("So:\n\n\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}\n\nend", "So:\n\na = b\nc = d\n\nend"),
        ("a\n\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}\nb", "a\n(1  2\n3  4)\nb"),
        ("```tex\n\\begin{align}\na\n\\end{align}\n```", "\\begin{align}\na\n\\end{align}"),
        ("Use `\\begin{align}` first", "Use \\begin{align} first"),
        ("\\begin{align} a", "\\begin{align} a"),
        ("\\begin{document}a\\end{document}", "\\begin{document}a\\end{document}"),
    ],
)
def test_environment_of_latex_is_a_formula_without_dollars(markdown: str, text: str) -> None:
    (piece,) = render(markdown)
    assert piece.text == text
