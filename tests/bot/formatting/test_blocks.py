import pytest

from bot.formatting.blocks import RULE, styled
from bot.formatting.parsing import parse
from bot.formatting.source import prepared


def shown(markdown: str) -> str:
    return styled(parse(prepared(markdown))).text


def kinds(markdown: str) -> list[tuple[str, str]]:
    found = styled(parse(prepared(markdown)))
    return [(span.kind, found.text[span.start : span.end]) for span in found.spans]


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# A\ntext\n\nB\n===\n---", f"A\n\ntext\n\nB\n\n{RULE}"),
        ("- [ ] a\n- [x] b\n1. [ ] c", "☐ a\n☑ b\n\n1. ☐ c"),
        ("1) a\n5) b", "1) a\n5) b"),
        ("- a\n  - b\n    c\n\n  d\n- - e", "• a\n  • b\n    c\n  d\n• • e"),
        ("- ```py\n  x\n  ```\n  y", "• \nx\n  y"),
        ("> a\n> > b\n\nc", "a\n\nb\n\nc"),
        ("1. a\n   > b\n   > c\n   >\n   > d\n\n   e", "1. a\nb\nc\nd\n  e"),
        ("- a\n  - b\n    > c\n    > - d\n    >   e\n    > 1. f\n  - g", "• a\n  • b\nc\n• d\n  e\n1. f\n  • g"),
        ("[1]: https://x.org\n[Answer]: 42", "[1]: https://x.org\n[Answer]: 42"),
        ("a[^1]\n\n[^1]: note", "a[^1]\n\n[^1]: note"),
        ("a  \nb\\\nc\nd", "a\nb\nc\nd"),
        ("```py title=x\ncode\n```", "title=x\ncode"),
        ("```only\n```", "only"),
        ("x<sup>2</sup> y<sup>ab</sup> z<sub>k</sub>", "x² y^(ab) z_k"),
        ("<details>\n<summary>s</summary>\n\nt\n\n</details>\n\nu", "s\n\nt\n\nu"),
        ("a\n$$\nx^2\n$$\nb \\(y\\)", "a\nx²\nb y"),
        ("\\*a\\* &amp; <!-- b --> Vec<T>", "*a* & b Vec<T>"),
    ],
)
def test_markdown_becomes_text(markdown: str, text: str) -> None:
    assert shown(markdown) == text


@pytest.mark.parametrize(
    ("markdown", "styles"),
    [
        ("**重点：**内容", [("bold", "重点：")]),
        ("说**“好”**然后", [("bold", "“好”")]),
        ("*强调。*好", [("italic", "强调。")]),
        ("价格*(1+2)*3", []),
        ("**a `b` c**", [("bold", "a "), ("code", "b"), ("bold", " c")]),
        ("[`a`](https://x.org)", [("text_link", "a")]),
        ("# a **b**", [("bold", "a b")]),
        ("<u>a</u> <kbd>b</kbd> ~~c~~ <small>d</small>", [("underline", "a"), ("code", "b"), ("strikethrough", "c")]),
        ("[![a](https://x.org/a.png)](https://y.org)", [("text_link", "🖼 a")]),
        ("> a\n> ```\n> b\n> ```", [("blockquote", "a\n\nb"), ("pre", "b")]),
    ],
)
def test_markdown_becomes_styles(markdown: str, styles: list[tuple[str, str]]) -> None:
    assert kinds(markdown) == styles
