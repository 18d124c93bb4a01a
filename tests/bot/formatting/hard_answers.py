"""Forms of real answers, each with the texts that a reader must see, in order; and 300 answers made of them."""

from dataclasses import dataclass
from itertools import islice, product

LONG_WORD, LONG_URL = "Donaudampfschiff" * 300, "https://example.org/" + "a1b2/" * 900


@dataclass(frozen=True, slots=True)
class Shape:
    """A part of an answer, and the texts that it must show in this order."""

    markdown: str
    shows: tuple[str, ...]


def shape(markdown: str, *shows: str) -> Shape:
    return Shape(markdown, shows)


PROSE = (
    shape("Sure! **Here's** the _short_ answer:", "Sure! Here's the short answer:"),
    shape("Use `Vec<String>` or Vec<String>, not `&str`.", "Use Vec<String> or Vec<String>, not &str."),
    shape("It costs $5 to $10 (or US$20), i.e. ~15 %.", "It costs $5 to $10 (or US$20), i.e. ~15 %."),
    shape("snake_case_name, __init__.py and 2 * 3 * 4", "snake_case_name", "2 * 3 * 4"),
    shape("if a < b && c > d || e <= f then x<y", "if a < b && c > d || e <= f then x<y"),
    shape(
        "Escaped: \\*not italic\\*, \\# not a heading, 1\\. not a list", "*not italic*, # not a heading, 1. not a list"
    ),
    shape("First line  \nsecond line\\\nthird line\nfourth", "First line\nsecond line\nthird line\nfourth"),
    shape("See https://example.org/a_b_c?x=1&y=2#z and <me@example.org>.", "a_b_c?x=1&y=2#z", "me@example.org"),
    shape("Unclosed **bold and `code", "Unclosed", "bold and", "code"),
    shape("&lt;tag&gt; &amp; &copy; 2026 &#8364;", "<tag> & © 2026 €"),
    shape(f"A word: {LONG_WORD} end", "A word:", "end"),
    shape(f"A link: {LONG_URL} end", "A link:", "end"),
)
HEADINGS = (
    shape("# Title\n## **Bold** part\ntext right below", "Title", "Bold part", "text right below"),
    shape("Title\n=====\n\nSub *title*\n---\n\ntext", "Title", "Sub title", "text"),
    shape("###### Deep `code` heading\n\n---\n\n***\nend", "Deep code heading", "end"),
    shape("#hashtag is no heading\n#1 neither", "#hashtag is no heading", "#1 neither"),
)
LISTS = (
    shape(
        "- one\n- two\n  - deep **three**\n    1. four\n       - five\n- six", "one", "deep three", "1. four", "five"
    ),
    shape("1. a\n2. b\n\n   more of b\n\n3. c", "1. a", "2. b", "more of b", "3. c"),
    shape("7) seven\n9) nine", "7) seven", "9) nine"),
    shape("- [ ] open\n- [x] done\n- [X] done too", "☐ open", "☑ done", "☑ done too"),
    shape("* item\n\n  ```sh\n  rm -rf <dir>\n  ```\n\n* after", "item", "rm -rf <dir>", "after"),
    shape("1. step\n   > quoted **note**\n2. next", "1. step", "quoted note", "2. next"),
    shape("\n".join(f"- **k{n}**: *v{n}* `c{n}`" for n in range(60)), "• k0: v0 c0", "• k59: v59 c59"),
    shape("- " * 40 + "deep", "deep"),
    shape("Pros:\n- fast\nCons:\n- dear", "Pros:", "fast", "Cons:", "dear"),
)
CODE = (
    shape('```python\ndef f(x: int) -> str:\n    return f"{x:>5}"\n```', 'def f(x: int) -> str:\n    return f"{x:>5}"'),
    shape("~~~\n<html>&amp; **not bold** $x$\n~~~", "<html>&amp; **not bold** $x$"),
    shape("````md\n```py\ninner\n```\n````", "```py\ninner\n```"),
    shape("```\nunclosed fence\nlast", "unclosed fence\nlast"),
    shape("Run ``a ` b`` and ` x `.", "Run a ` b and", "x"),
    shape("    indented <code>\n    second", "indented <code>", "second"),
    shape('```js title="app.js"\nlet a = 1;\n```', 'title="app.js"', "let a = 1;"),
    shape("```c\n" + "int x = 1; // line\n" * 400 + "```", "int x = 1; // line"),
    shape("```mermaid\ngraph TD; A-->B;\n```", "graph TD; A-->B;"),
    shape("```diff\n- old\n+ new\n```", "- old\n+ new"),
)
TABLES = (
    shape("| A | B |\n|---|---|\n| 1 | 2 |", "A", "B", "1", "2"),
    shape("| 名前 | 値段 |\n|:--|--:|\n| りんご | 120円 |", "名前", "値段", "りんご", "120円"),
    shape("|a|b|\n|-|-|\n|x<br>y|H<sub>2</sub>O|\n|1|2|3|4|", "x", "y", "H₂O", "1", "2", "3", "4"),
    shape("| `a\\|b` | **c** |\n|---|---|\n| [d](https://example.org) | |", "a|b", "c", "d"),
    shape("|Name|What it does|\n|-|-|\n" + f"|tool|{'long words ' * 12}|", "Name", "tool", "long words long words"),
    shape("a | b\n--|--\nc | d", "a", "b", "c", "d"),
    shape("| 😀 | 🇻🇳 |\n|---|---|\n| 👨‍👩‍👧 | ✍️ |", "😀", "🇻🇳", "👨‍👩‍👧", "✍️"),
    shape("> | q | r |\n> |---|---|\n> | s | t |", "q", "r", "s", "t"),
    shape("\n".join(["|n|square|", "|-|-|", *(f"|{n}|{n * n}|" for n in range(200))]), "square", "199", "39601"),
)
LINKS = (
    shape(
        "Claim [1], other [2][b].\n\n[1]: https://example.org/one\n[b]: https://example.org/two",
        "Claim [1]",
        "one",
        "two",
    ),
    shape("[Answer]: 42\n[Note]: see above", "[Answer]: 42", "[Note]: see above"),
    shape("Fact[^1] and[^note].\n\n[^1]: The source.\n[^note]: Other.", "Fact[^1]", "The source.", "Other."),
    shape(
        "[docs](docs/readme.md) [top](#top) [x](javascript:alert(1))",
        "docs (docs/readme.md)",
        "top",
        "javascript:alert(1)",
    ),
    shape('![A cat](https://example.org/cat.png "Cat")', "A cat", "(Cat)"),
    shape("[![badge](https://example.org/b.svg)](https://example.org)", "badge"),
    shape("Sources: [[1]](https://example.org/1) [[2]](https://example.org/2)", "[1]", "[2]"),
    shape("【1†source】 and [^2^] and [3, 4]", "【1†source】", "[^2^]", "[3, 4]"),
    shape(
        "http://localhost:8080/a and [local](http://localhost:8080/b)",
        "localhost:8080/a",
        "local (http://localhost:8080/b)",
    ),
)
HTML = (
    shape("<details>\n<summary>More</summary>\n\nhidden **text**\n\n</details>", "More", "hidden text"),
    shape('<div align="center">\n<b>bold</b> text\n</div>', "bold text"),
    shape("<!-- comment -->\nvisible\n<!-- open", "comment", "visible", "open"),
    shape("x<sup>2</sup> + H<sub>2</sub>O, <kbd>Ctrl</kbd>+<kbd>C</kbd>", "x² + H₂O, Ctrl+C"),
    shape("Line<br>break<br/>here", "Line\nbreak\nhere"),
    shape('See <a href="https://e.org/a_b">the <b>page</b></a>.', "See the page."),
    shape("The murderer is ||the **gardener**||.", "The murderer is the gardener."),
    shape("if (a || b || c) { return x||y; }", "if (a || b || c) { return x||y; }"),
    shape("<script>alert('hi')</script><style>p {color: red}</style>", "alert('hi')", "color: red"),
    shape("<p>para</p>\n<ul>\n<li>item</li>\n</ul>\nafter", "para", "item", "after"),
    shape("<thinking>\nsecret plan\n</thinking>\n\nAnswer", "secret plan", "Answer"),
)
SCRIPTS = (
    shape("**重点：**这是内容。他说**“你好”**，然后*走了。*接着", "重点：这是内容。他说“你好”，然后走了。接着"),
    shape("**「重要」**な点は**３つ**です。", "「重要」な点は３つです。"),
    shape('**한국어**는 **"인용"**입니다.', '한국어는 "인용"입니다.'),
    shape("مرحبا **بالعالم** و `code` ثم 1. واحد", "مرحبا بالعالم و code ثم 1. واحد"),
    shape("- שלום **עולם**\n- פריט `קוד`", "שלום עולם", "פריט קוד"),
    shape("หนึ่ง **สอง** สาม", "หนึ่ง สอง สาม"),
    shape("नमस्ते **दुनिया** क्षत्रिय", "नमस्ते दुनिया क्षत्रिय"),
    shape("👨‍👩‍👧‍👦 **👍🏽** _🇫🇷_ `🏴󠁧󠁢󠁥󠁮󠁧󠁿`", "👨‍👩‍👧‍👦 👍🏽 🇫🇷 🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
    shape("Z̷̢̛a̸l̵g̶o̷ and é (e + ́)", "Z̷̢̛a̸l̵g̶o̷ and é"),
    shape("汉字" * 3000 + "。完", "汉字汉字", "。完"),
    shape("Xin chào **các bạn**, giá 1.250.000 ₫", "Xin chào các bạn, giá 1.250.000 ₫"),
)
FORMULAS = (
    shape("Euler: $e^{i\\pi} + 1 = 0$ and \\(a^2 + b^2\\).", "Euler:", "and", "a² + b²"),
    shape("$$\n\\int_0^1 x\\,dx = \\frac{1}{2}\n$$\nso", "∫", "so"),
    shape("\\[\nE = mc^2\n\\]\nwhere \\(m\\) is mass", "E = mc²", "where m is mass"),
    shape("$\\sqrt{\\sqrt{\\sqrt{\\sqrt{\\sqrt{\\sqrt{\\sqrt{x}}}}}}}$ end", "end"),
    shape("| f | value |\n|---|---|\n| $\\alpha|\\beta$ | 1 |", "f", "value", "1"),
    shape("Matrix: $$\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}$$ done", "Matrix:", "done"),
    shape("$\\ce{2H2 + O2 -> 2H2O}$ and $\\dfrac{1}{3}$", "2H₂ + O₂ → 2H₂O", "⅓"),
    shape("\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}", "a = b\nc = d"),
    shape("Unclosed $x + y and \\( z", "Unclosed", "y and", "z"),
)
QUOTES = (
    shape(
        "> quote\n> > nested\n> - item\n>\n> ```\n> code\n> ```\n\nafter", "quote", "nested", "item", "code", "after"
    ),
    shape("> [!NOTE]\n> Mind **this**.", "NOTE", "Mind this."),
    shape(">no space\nlazy line", "no space", "lazy line"),
    shape("> " * 50 + "deep quote", "deep quote"),
)
GROUPS = (PROSE, HEADINGS, LISTS, CODE, TABLES, LINKS, HTML, SCRIPTS, FORMULAS, QUOTES)
SHAPES = tuple(each for group in GROUPS for each in group)
CLOSED = tuple(each for each in SHAPES if "nclosed" not in each.markdown and "open" not in each.shows)


def answers(count: int = 300) -> list[tuple[Shape, ...]]:
    """Return each form by itself, and then answers of three forms."""
    size = len(CLOSED)
    mixed = (
        (CLOSED[a % size], CLOSED[(a * 7 + b * 13 + 3) % size], CLOSED[(a + b * 29) % size])
        for b, a in product(range(1, 20), range(size))
    )
    return [*((each,) for each in SHAPES), *islice(mixed, count - len(SHAPES))]
