"""Answers from bug reports of other bots (lost, refused or misread there): the text and the styles that arrive."""

import pytest

from bot.formatting.markdown import render

BOLD, ITALIC, CODE, PRE, LINK = "bold", "italic", "code", "pre", "text_link"
CASES: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "underscores in words": ("call my_var_name, a_b_c", "call my_var_name, a_b_c", []),
    "odd underscore": ("light.bedroom_lamp is on", "light.bedroom_lamp is on", []),
    "names of Python": ("`x` or __init__ and __main__", "x or __init__ and __main__", [(CODE, "x")]),
    "bold by underscores": ("__bold__ text", "bold text", [(BOLD, "bold")]),
    "stars of arguments": ("def f(*args, **kwargs)", "def f(*args, **kwargs)", []),
    "product": ("2*3*4 = 24", "2*3*4 = 24", []),
    "product of letters": ("E = m*c*c", "E = m*c*c", []),
    "power": ("2**10 and x**2 + y**2", "2**10 and x**2 + y**2", []),
    "italic that holds a product": ("*2*3* it", "2*3 it", [(ITALIC, "2*3")]),
    "address with underscores": ("https://e.org/a?x=1&y=_z_&q=__a__", "https://e.org/a?x=1&y=_z_&q=__a__", []),
    "address in bold": ("**https://e.org/a_b**", "https://e.org/a_b", [(BOLD, "https://e.org/a_b")]),
    "address in italic": ("_https://e.org/a_b_", "https://e.org/a_b", [(ITALIC, "https://e.org/a_b")]),
    "link with brackets": ("[a](https://en.wikipedia.org/wiki/X_(y))", "a", [(LINK, "a")]),
    "link within brackets": ("(see [c](https://e.org/d).)", "(see c.)", [(LINK, "c")]),
    "link that runs code": ("[click](javascript:alert(1))", "click (javascript:alert(1))", []),
    "source list": (
        "Seas[1].\n\n[1]: https://e.org/s",
        "Seas[1].\n\n[1]: https://e.org/s",
        [(LINK, "[1]"), (LINK, "[1]")],
    ),
    "footnote": ("Text[^1].\n\n[^1]: Note", "Text[^1].\n\n[^1]: Note", []),
    "numbers of a list go on": ("5. five\n6. six", "5. five\n6. six", []),
    "nested list": ("1. one\n   - a\n     - b\n2. two", "1. one\n  • a\n    • b\n2. two", []),
    "tasks": ("- [ ] todo\n- [x] done", "☐ todo\n☑ done", []),
    "fence within a fence": ("````md\n```py\nx\n```\n````", "```py\nx\n```", [(PRE, "```py\nx\n```")]),
    "fence of tildes": ("~~~py\nprint('```')\n~~~", "print('```')", [(PRE, "print('```')")]),
    "fence without an end": ("a\n```py\nx = 1", "a\n\nx = 1", [(PRE, "x = 1")]),
    "formulas beside prices": ("$E=mc^2$ costs $5 to $10", "E=mc² costs $5 to $10", [(CODE, "E=mc²")]),
    "formula with backslashes": ("\\(a^2\\)", "a²", [(CODE, "a²")]),
    "tags that are not markup": ("a<b and Vec<String>", "a<b and Vec<String>", []),
    "HTML styles": ("<b>b</b> H<sub>2</sub>O", "b H₂O", [(BOLD, "b")]),
    "fold of a page": ("<details><summary>S</summary>\n\nbody\n\n</details>", "S\n\nbody", [(BOLD, "S")]),
    "bold beside Chinese marks": ("这是**“重点”**。", "这是“重点”。", [(BOLD, "“重点”")]),
    "right to left": ("مرحبا **بالعالم** 1", "مرحبا بالعالم 1", [(BOLD, "بالعالم")]),
    "emoji before bold": ("😀👨‍👩‍👧 **b**", "😀👨‍👩‍👧 b", [(BOLD, "b")]),
    "half of an emoji": ("x \ud83d\ude00 y \ud83d", "x 😀 y", []),
    "quote in a quote": ("> a\n> > b", "a\n\nb", [("blockquote", "a\n\nb")]),
    "both styles": ("***both*** ~~gone~~", "both gone", [(BOLD, "both"), (ITALIC, "both"), ("strikethrough", "gone")]),
    "picture": ("![alt](https://e.org/a.png)", "🖼 alt", [(LINK, "🖼 alt")]),
    "hash tags are no headings": ("#tag\n##x", "#tag\n##x", []),
    "line ends of Windows": ("a\r\n\r\n- b\r\n- c\r\n", "a\n\n• b\n• c", []),
    "escapes": ("\\*not\\* \\# 1\\. a", "*not* # 1. a", []),
    "table": ("| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n--|--\n1 | 2", [(PRE, "a | b\n--|--\n1 | 2")]),
    "text directly below a table": (
        "| a | b |\n|---|---|\n| 1 | 2 |\nAs **seen**.",
        "a | b\n--|--\n1 | 2\n\nAs seen.",
        [(PRE, "a | b\n--|--\n1 | 2"), (BOLD, "seen")],
    ),
    "bars of code in a table": (
        "| op | is |\n|---|---|\n| `a || b` | or |",
        "op     | is\n-------|---\na || b | or",
        [(PRE, "op     | is\n-------|---\na || b | or")],
    ),
    "bold against a word": ("**Note:**text", "Note:text", [(BOLD, "Note:")]),
    "bold quotation within words": ("Sau **“tên”**và", "Sau “tên”và", [(BOLD, "“tên”")]),
    "paths of Python": ("lib/__pycache__/x.pyc, a.__class__.__mro__", "lib/__pycache__/x.pyc, a.__class__.__mro__", []),
    "patterns of files": ("src/**/*.ts, */*.py, file_*.txt", "src/**/*.ts, */*.py, file_*.txt", []),
    "bold commands and folders": (
        "Write **/ask** or **/help.** in **/usr/bin/**.",
        "Write /ask or /help. in /usr/bin/.",
        [(BOLD, "/ask"), (BOLD, "/help."), (BOLD, "/usr/bin/")],
    ),
    "target with spaces": (
        "[a](https://e.org/b c.html) [d](<https://e.org/e f>) `[a](/b c)`",
        "a d [a](/b c)",
        [(LINK, "a"), (LINK, "d"), (CODE, "[a](/b c)")],
    ),
    "file with spaces": ("See [notes](docs/my notes (1).md).", "See notes (docs/my notes (1).md).", []),
    "target that is the text": ("In [Old Plan](Old Plan), [e.org](e.org).", "In Old Plan, e.org.", []),
    "words after brackets": ("[1](see the table)", "[1](see the table)", []),
    "formula in ticks and dollars": ("so $`a^2`$ is", "so a² is", [(CODE, "a²")]),
    "price in dollars of formulas": ("pay $\\$0.60$ now", "pay $0.60 now", [(CODE, "$0.60")]),
    "price in bold": ("**$1.50** and R$ 12,29", "$1.50 and R$ 12,29", [(BOLD, "$1.50")]),
    "prices in dollars of two countries": (
        "$5 or R$ 9, $7 (A$ 11), $2 **US$ 3**",
        "$5 or R$ 9, $7 (A$ 11), $2 US$ 3",
        [(BOLD, "US$ 3")],
    ),
    "formulas with digits and letters": (
        "$2 \\cdot R$, $5 + R$, $2R$, $x**2$",
        "2 ⋅ R, 5 + R, 2R, x**2",
        [(CODE, "2 ⋅ R"), (CODE, "5 + R"), (CODE, "2R"), (CODE, "x**2")],
    ),
    "brackets of a string": ('```py\nfoo = "\\(bar\\)"\n```', 'foo = "\\(bar\\)"', [(PRE, 'foo = "\\(bar\\)"')]),
    "example with fences": (
        "```markdown\n# T\n```js\nx\n```\nend\n```\nso",
        "# T\n```js\nx\n```\nend\n\nso",
        [(PRE, "# T\n```js\nx\n```\nend")],
    ),
    "fence behind text": ("Use:```py\nx = 1\n```\nor **b**", "Use:\n\nx = 1\n\nor b", [(PRE, "x = 1"), (BOLD, "b")]),
    "code below an item": ("1. Foo:\n\n```\nBar\n```", "1. Foo:\n\nBar", [(PRE, "Bar")]),
    "bold with code": ("**`a`:** b", "a: b", [(CODE, "a"), (BOLD, ":")]),
    "times of a schedule": ("0 */5 * * * and */10 * * * *", "0 */5 * * * and */10 * * * *", []),
    "tags of a model": ("a **b** <CoT> List<int>", "a b <CoT> List<int>", [(BOLD, "b")]),
    "blanks of a form": (
        "Name: _____ Date: ___/___/___\n\n___\n\nend",
        "Name: _____ Date: ___/___/___\n\n———\n\nend",
        [],
    ),
    "hidden letters": ("b***h, p***** and un***i***t", "b***h, p***** and unit", [(BOLD, "i"), (ITALIC, "i")]),
    "code with a bar in a table": (
        "| a | b |\n|---|---|\n| `(1 | g)` | c |",
        "a       | b\n--------|--\n(1 | g) | c",
        [(PRE, "a       | b\n--------|--\n(1 | g) | c")],
    ),
    "sources beside each other": ("A [1](https://e.org/a)[2](https://e.org/b).", "A 12.", [(LINK, "1"), (LINK, "2")]),
    "formula within brackets": (
        "(see $A^{\\circ\\circ}$). Over $R$",
        "(see A°°). Over R",
        [(CODE, "A°°"), (CODE, "R")],
    ),
    "lists in a cell": (
        "| n |\n|---|\n| <ul><li>a</li><li>b</li></ul> |",
        "n\n---------\n• a / • b",
        [(PRE, "n\n---------\n• a / • b")],
    ),
    "escaped brackets": ("Hello \\(see below\\)\\.", "Hello (see below).", []),
    "display formula within a line": ("so $$x^2$$ is", "so\nx²\nis", [(CODE, "x²")]),
    "nothing to see": ("\u200b", "…", []),
}


def part(text: str, offset: int, length: int) -> str:
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")


@pytest.mark.parametrize("name", CASES)
def test_reported_answer_arrives(name: str) -> None:
    markdown, text, styles = CASES[name]
    (piece,) = render(markdown)
    assert piece.text == text
    found = [(str(each.type), part(piece.text, each.offset, each.length)) for each in piece.entities]
    assert found == styles


@pytest.mark.parametrize(
    "markdown",
    [
        "```py\n" + "x" * 20_000 + "\n```",
        "👨‍👩‍👧‍👦" * 1500,
        "🇻🇳" * 3000,
        "https://e.org/" + "a" * 9000,
        "**b** " * 300,
        "a " * 9000,
    ],
    ids=["line of code", "families", "flags", "address", "styles", "words"],
)
def test_reported_long_answer_is_split_within_telegrams_limits(markdown: str) -> None:
    pieces = render(markdown)
    assert all(len(piece.text.encode("utf-16-le")) <= 2 * 4096 and len(piece.entities) <= 100 for piece in pieces)
    assert not any(piece.text.startswith(("\u200d", "\ufe0f")) or piece.text.endswith("\u200d") for piece in pieces)
    arrived = "".join("".join(piece.text for piece in pieces).split())
    assert arrived == "".join(markdown.replace("```py", "").replace("```", "").replace("**", "").split())


def test_code_that_is_split_goes_on_as_code_of_its_language() -> None:
    pieces = render("```py\n" + "print(1)\n" * 1200 + "```")
    assert len(pieces) > 1
    assert {(str(each.type), each.language) for piece in pieces for each in piece.entities} == {("pre", "py")}
    assert all(piece.text.startswith("print(1)") for piece in pieces)
