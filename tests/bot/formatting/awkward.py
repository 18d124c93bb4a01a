"""A seeded generator of awkward answers from public bug reports of chat bots: constructs as templates.

In a template § stands for a new word and ¶ for a sentence. Every word must be shown, in order.
"""

import random
import re
from dataclasses import dataclass, field

FILLERS = (
    *(
        "alpha",
        "Xin",
        "chào",
        "thế_giới",
        "привет",
        "漢字",
        "テスト",
        "한국어",
        "مرحبا",
        "שלום",
        "สวัสดี",
        "naïve",
        "½",
        "①",
    ),
    *("👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "1️⃣", "🇻🇳", "e\u0301", "e\u0302\u0323", "Z̴̛̻a̵̡̎"),
)
INLINE = (
    "**§**: §",
    "**§ *§* §**",
    "*§ **§***",
    "***§** §*",
    "__§__ §",
    "§_§_§",
    "`§`",
    "`` `§` ``",
    "`§|§`",
    "[§](https://example.com/a_(b)_c?x=1&y=2#z)",
    "[§](<https://example.com/a b>)",
    '[§](https://example.com "§")',
    "[`§`](https://example.com)",
    "[§ [§]](https://e.com)",
    "[§](/local/§.md)",
    "[§](#part)",
    "[§](javascript:§)",
    "![§](https://e.com/i.png)",
    "[![§](https://e.com/b.svg)](https://e.com)",
    "<https://e.com/§>",
    "<§@example.com>",
    "https://en.wikipedia.org/wiki/§_(§)",
    "www.§.com/§_§",
    "List<Map<§, §>>",
    "<|§|>",
    "<§>§</§>",
    "§<sub>§</sub>",
    "<kbd>§</kbd>+<kbd>§</kbd>",
    '<span style="color:red">§</span>',
    "<u>§</u>",
    "&nbsp;§&copy;§&lt;§&gt;&#§;",
    "C:\\new\\§\\table",
    "^[a-z]+\\d*§$",
    "$HOME/§/$USER",
    'echo "$§" && $§',
    "==§==",
    "H~§~O^§^",
    "[[§|§]]",
    "{{§}}",
    "[@§]",
    "【§†§】",
    "[^§]",
    "~/§ ~/§",
    "~~§~~",
    "||§ words||",
    "§ || §",
    "#§",
    "@§",
    "/§",
    "\\*§\\*",
    "\\`§\\`",
    "§\\\n§",
    "§  \n§",
    "*§",
    "**§",
    "`§",
    "§**",
    "[§",
    "[§](",
    "[§](http",
    "<§",
    "<b>§",
    "</b>§",
    "$E=mc^2$ §",
    "\\(a+b\\) §",
    "$5 § $10",
    "**「§」**§",
    "**§：**§",
    "漢**§**字",
    '**"§"**§',
    "**§.**§",
    "un*§*believable",
    "5*§*7",
    "2**§**3",
    "_§_,_§_",
    "\u200b§\u200d\ufeff§",
    "\u202b§\u202c",
    "§\u2028§",
    "§\x0b§\x0c§",
    "\x1b[31m§\x1b[0m",
    "§\x00§",
    "§\t§",
    "§\xa0§",
    "§\r\n§",
    "<!--§-->",
    "<?§?>",
    "<![CDATA[§]]>",
    "<!§>",
    "<br/>§",
    '<a href="https://e.com">§</a>',
    '<img src="§" alt="§">',
    "<think>§</think>",
)
BLOCKS = (
    "¶\n¶",
    "¶",
    "¶\n§\n¶",
    "¶ ¶",
    "> [!NOTE]\n> ¶\n> §",
    "> [!tip]- §\n>\n> §",
    "- §\n  > [!WARNING]\n  > ¶",
    "<details>\n<summary>§</summary>\n¶\n\n```py\n§\n```\n</details>",
    "<details open>\n<summary>§</summary>\n\n¶\n</details>",
    "```mermaid\ngraph TD;\n  §-->§;\n  A[§] -->|§| B\n```",
    "```diff\n- §\n+ §\n@@ § @@\n```",
    "§[^1] §[^n].\n\n[^1]: §\n[^n]: §\n    §\n\n    §",
    "§\n: §\n: §\n\n§\n:   §",
    "````markdown\n```py\n§\n```\n§\n````",
    "~~~\n§ ``` §\n~~~",
    "```js title=a.js\n§\n\n§ **§**\n```",
    ("1. ¶\n   ```bash\n   § | §\n\n   §\n   ```\n2. ¶\n\n   §\n   - §\n     - §\n       1. §\n          - §"),
    "1. ¶\n```bash\n§ | §\n```\n2. ¶\n\n§\n- §\n\t- §\n\t\t1. §",
    (
        "- ## §\n  §\n- > §\n  > §\n-\n- §\n-     §\n- | § | § |\n  |---|---|\n  | § | § |\n- ---\n"
        "- [ ] §\n  - [x] §\n* §\n+ §"
    ),
    "7. ¶\n7. ¶\n9. ¶",
    "999999999) ¶\n1) ¶",
    "• ¶\n1️⃣ ¶\na) ¶\n→ ¶",
    (
        "| § | § | § |\n|:--|--:|:-:|\n| `§\\|§` | § \\| § | **§**<br>§ |\n|  | 漢字§ | 👨‍👩‍👧§ |\n"
        "| §, § § § § | [§](https://e.com) |\n| *§ | `§ | $5 § $6 | § | § |"
    ),
    "§ | §\n--|--\n§ | `§`\n§ | ~~§~~",
    "| § |\n|-|\n| <ul><li>§</li><li>§</li></ul> |\n§",
    "| § | § |\n| § | § |",
    "$$\n\\frac{a}{b}\n$$ §",
    "\\[\n\\int_0^1 x\\,dx\n\\]\n§",
    "\\begin{align}\na&=b\\\\\nc&=d\n\\end{align}\n§",
    "```math\n\\sqrt{2}\n```\n§",
    "---\ntitle: §\n---\n\n§",
    "§\n§\n===\n§",
    "# ¶ #",
    "####### §",
    "### **§** `§` [§](https://e.com)",
    "#\n§",
    "> ¶\n§\n> - §\n>   ```\n>   §\n>   ```\n>\n> §",
    ">§\n>>§\n>>> §\n§",
    "> ```py\n> §\n§",
    "> # §\n> | § | § |\n> |--|--|\n> | § | `§` |",
    '<div align="center">\n\n¶\n\n</div>',
    "<p>§</p>\n<ul><li>§</li>\n<li>**§**</li></ul>",
    "<table>\n<tr><td>§</td><td>§</td></tr>\n</table>",
    "<pre>\n§ *§*\n\n§\n</pre>",
    "<!-- §\n\n§ -->\n§",
    '<tool_call>\n{"name": "§"}\n</tool_call>',
    "<thinking>\n¶\n\n§\n</thinking>\n§",
    "[1]: https://e.com/§ \"§\"\n[2]: <https://e.com/§>\n[§]: §\n  '§'",
    "§ [§][1] and [1] [§][] ![§][1]\n\n[1]: https://e.com/§\n[§]: /§",
    "    § *§*\n\n    §\n\t§",
    "├── §\n│   └── §\n+---+---+\n| § | § |\n+---+---+",
    "---",
    "\\---",
    "~~~\n~~~",
    "- - -\n§",
)
LONG = (
    " ".join("[§](https://e.com/a)" for _ in range(130)),
    "```python\n" + "    § = '§'  # é\n" * 200 + "```",
    "§" + "ab/👩‍👩‍👧=é" * 300 + " §",
    "👩‍👩‍👧‍👦🏳️‍🌈🇻🇳1️⃣" * 250 + "§",
    "¶\n" * 60,
    "```py\n§\n\n§ **§**",
)
LONG_SHARE, FILLER_SHARE, INLINE_SHARE = 0.02, 0.25, 0.3
_PLACE = re.compile("[§¶]")


@dataclass
class Awkward:
    """Writes one answer. `words` are those that a reader must see, in order."""

    seed: int
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def answer(self, blocks: int) -> str:
        return "".join(self._block() + self._random.choice(("\n\n", "\n\n", "\n\n\n", "\n \n")) for _ in range(blocks))

    def _block(self) -> str:
        kinds = LONG if self._random.random() < LONG_SHARE else BLOCKS
        return self._filled(self._random.choice(kinds))

    def _filled(self, template: str) -> str:
        return _PLACE.sub(lambda place: self._word() if place[0] == "§" else self._sentence(), template)

    def _word(self) -> str:
        letters = "".join(self._random.choices("abcdefghijkmnpqrstuvwxyz", k=self._random.randint(2, 6)))
        self.words.append(f"{letters}{len(self.words)}q")
        return self.words[-1]

    def _sentence(self) -> str:
        parts = " ".join(self._part() for _ in range(self._random.randint(2, 9)))
        return parts + self._random.choice((".", "!", "?", ":", "。", ""))

    def _part(self) -> str:
        pick = self._random.random()
        if pick < FILLER_SHARE:
            return self._random.choice(FILLERS)
        return self._filled(self._random.choice(INLINE)) if pick < FILLER_SHARE + INLINE_SHARE else self._word()
