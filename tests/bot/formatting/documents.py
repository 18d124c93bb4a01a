"""A seeded generator of Markdown documents with every construct, and the words that each must show in order."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

SCRIPTS = (
    "abcdefgh",
    "äßéñ",
    "漢字仮名交",
    "한국어단",
    "مرحباعل",
    "שלוםתר",
    "กขคงจ",
    "кирилц",
)
CLUSTERS = ("👨‍👩‍👧", "🇻🇳", "👍🏽", "é", "ক্ষ", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "✍️", "각")
PUNCTUATION = (".", ",", "!", "?", ":", "。", "，", "！", "：", "؟", "、", "")


@dataclass
class Documents:
    """Writes one document. `words` are those that a reader must see, in order."""

    seed: int
    words: list[str] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def document(self, blocks: int) -> str:
        return "\n\n".join(self._random.choice(self._blocks())() for _ in range(blocks))

    def _blocks(self) -> list[Callable[[], str]]:
        lists: list[Callable[[], str]] = [self.bullets, self.numbers, self.tasks, self.nested]
        special: list[Callable[[], str]] = [self.table, self.fence, self.quote, self.definitions, self.footnotes]
        plain = [self.paragraph, self.paragraph, self.heading, self.setext, self.rule, self.indented]
        return [*plain, *lists, *special, self.html]

    def word(self) -> str:
        """Return a new word that no other word contains: letters of one script and a number, sometimes a cluster."""
        self._count += 1
        letters = "".join(self._random.choices(self._random.choice(SCRIPTS), k=self._random.randint(1, 6)))
        word = f"{letters}{self._count}z"
        self.words.append(word)
        return word + (self._random.choice(CLUSTERS) if self._random.random() < 0.1 else "")

    def inline(self) -> str:
        pick = self._random.random()
        if pick < 0.5:
            return self.word() + self._random.choice(PUNCTUATION)
        styled = (
            lambda: f"**{self.word()}{self._random.choice(PUNCTUATION)}**",
            lambda: f"*{self.word()}*",
            lambda: f"_{self.word()} {self.word()}_",
            lambda: f"~~{self.word()}~~",
            lambda: f"***{self.word()}***",
            lambda: f"`{self.word()} < {self.word()}`",
            lambda: f"``{self.word()} ` {self.word()}``",
            lambda: f"[{self.word()}](https://example.org/a_b?c=d*e)",
            lambda: f"[**{self.word()}** {self.word()}](https://example.org)",
            lambda: f"![{self.word()}](https://example.org/x.png)",
            lambda: f"[{self.word()}][{self._count}]",
            lambda: f"[{self.word()}]",
            lambda: f"Vec<{self.word()}>",
            lambda: f"<b>{self.word()}</b>",
            lambda: f"<u>{self.word()}",
            lambda: f"<!-- {self.word()} -->",
            lambda: f"{self.word()}<br>{self.word()}",
            lambda: f"\\*{self.word()}\\* \\_{self.word()} \\[{self.word()}\\]",
            lambda: f"&lt;{self.word()}&gt; &amp; {self.word()}",
            lambda: f"2 * {self.word()} * 3 || {self.word()} || $5 to $10",
            lambda: f"**{self.word()}",
            lambda: f"`{self.word()}",
            lambda: f"<https://example.org/{self.word()}>",
            lambda: f"https://example.org/{self.word()}_a_b",
            lambda: f"{self.word()}  \n{self.word()}",
            lambda: f"{self.word()}\\\n{self.word()}",
            lambda: f"{self.word()}\n{self.word()}",
            lambda: "$x^2$ \\(a_b\\)",
        )
        return self._random.choice(styled)()

    def line(self, most: int = 8) -> str:
        glue = self._random.choice((" ", " ", " ", ""))
        return glue.join(self.inline() for _ in range(self._random.randint(1, most)))

    def paragraph(self) -> str:
        return self.line(60 if self._random.random() < 0.2 else 12)

    def heading(self) -> str:
        return f"{'#' * self._random.randint(1, 6)} {self.word()} {self.word()}\n{self.word()}"

    def setext(self) -> str:
        return f"{self.word()} {self.word()}\n{self._random.choice(('===', '---'))}"

    def rule(self) -> str:
        return self._random.choice(("---", "***", "* * *"))

    def indented(self) -> str:
        return f"    {self.word()} **{self.word()}**\n    <{self.word()}>"

    def items(self, marker: Callable[[int], str]) -> str:
        blank = self._random.choice(("\n", "\n\n"))
        numbers = range(self._random.randint(1, 9))
        return blank.join(marker(number) + self.line(4).replace("\n", " ") for number in numbers)

    def bullets(self) -> str:
        mark = self._random.choice("-*+")
        return self.items(lambda _: f"{mark} ")

    def numbers(self) -> str:
        first, end = self._random.randint(0, 40), self._random.choice(".)")
        return self.items(lambda number: f"{first + number}{end} ")

    def tasks(self) -> str:
        return self.items(lambda _: self._random.choice(("- [ ] ", "- [x] ")))

    def nested(self) -> str:
        first = self.word()
        if self._random.random() < 0.5:
            code = f"   > {self.word()}"
        else:
            code = f"   ```py\n   {self.word()} <{self.word()}>\n   ```"
        rest = f"   - {self.word()}\n     - [ ] {self.word()}\n\n   {self.word()}\n2. {self.word()}"
        return f"1. {first}\n{code}\n{rest}"

    def table(self) -> str:
        columns = self._random.randint(1, 5)
        wide = self._random.random() < 0.3

        def cell() -> str:
            if wide:
                return " ".join(self.word() for _ in range(8))
            kind = self._random.choice(("{}", "**{}**", "{}<br>{}", "`{}`", "[{}](https://example.org)", ""))
            return kind.format(*(self.word() for _ in range(kind.count("{}"))))

        def row(more: int = 0) -> str:
            return "| " + " | ".join(cell() for _ in range(columns + more)) + " |"

        head = "| " + " | ".join(self.word() for _ in range(columns)) + " |"
        rows = [row(self._random.choice((0, 0, 0, 2))) for _ in range(self._random.randint(0, 6))]
        return "\n".join([head, "|" + ":-:|" * columns, *rows])

    def fence(self) -> str:
        mark = self._random.choice(("```", "~~~", "````"))
        lines = "\n".join(f"{self.word()} = $x$ **{self.word()}** <div>" for _ in range(self._random.randint(1, 40)))
        return f"{mark}{self._random.choice(('python', '', 'c++'))}\n{lines}\n{mark}"

    def quote(self) -> str:
        first = f"{self.word()} {self.inline()}".replace("\n", " ")
        return f"> {first}\n> > {self.word()}\n>\n> - {self.word()}\n> - {self.word()}"

    def definitions(self) -> str:
        return f"[1]: https://example.org/{self.word()}\n[{self.word()}]: {self.word()}\n[1]: {self.word()}"

    def footnotes(self) -> str:
        return f"{self.word()}[^1]\n\n[^1]: {self.word()} {self.word()}\n[^n]: {self.word()}"

    def html(self) -> str:
        made = (
            lambda: f"<div align='center'>\n{self.word()} **{self.word()}**\n</div>",
            lambda: f"<details>\n<summary>{self.word()}</summary>\n\n{self.word()}\n\n</details>",
            lambda: f"<!-- {self.word()}\n{self.word()} -->\n{self.word()}",
            lambda: f"<script>{self.word()}</script>",
        )
        return self._random.choice(made)()
