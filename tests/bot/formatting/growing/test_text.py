import random
from itertools import pairwise

import pytest

from bot.formatting.characters import units
from bot.formatting.growing import text
from bot.formatting.growing.text import GrowingText
from bot.formatting.markdown import draft_of, render
from tests.bot.formatting.documents import Documents

ANSWER = """## Heading one

Some **bold text here** and `code` with a [link](https://example.org/a), *this* and _that_. Costs 5 * 3.

- item **one**
- item two with `x`
  1. nested

```python
def f():
    return 1
```

| a | b |
|---|---|
| 1 | **2** |

> quote _here_

See [1] and ~~gone~~. The end.
"""


def frames(markdown: str, step: int = 1) -> list[str]:
    growing = GrowingText()
    return [growing.frame(markdown[:end]) for end in range(1, len(markdown) + step, step)]


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def test_what_was_shown_of_a_usual_answer_never_changes_and_has_no_marks() -> None:
    found = frames(ANSWER)
    assert all(later.startswith(earlier) for earlier, later in pairwise(found))
    assert not any(mark in frame for frame in found for mark in ("**", "##", "```", "](", "~~", "_"))
    assert letters(found[-1]) == letters(render(ANSWER)[0].text)
    assert "a | b\n1 | 2" in found[-1], "rows are shown one by one, without alignment"


@pytest.mark.parametrize("end", ["", "!", "\n\n", "\n\n- item", "\n\n1", "\n---", "*", " [a](b)", "\n\n    code", "\n"])
def test_frames_of_prose_are_those_of_any_text(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    markdown = f"First words, of one.\n\nSecond words: more.\n\nThird{end}"
    quick = frames(markdown)
    monkeypatch.setattr(text, "is_prose", lambda _: False)
    assert quick == frames(markdown)


@pytest.mark.parametrize("seed", range(20))
def test_finished_blocks_of_any_document_never_change(seed: int) -> None:
    markdown = Documents(seed).document(5)
    growing, finished = GrowingText(), ""
    for end in range(1, len(markdown), random.Random(seed).randint(1, 20)):
        frame = growing.frame(markdown[:end])
        assert growing._finished.startswith(finished)
        finished = growing._finished
        assert units(frame) <= 4096


def test_another_answer_after_a_failover_replaces_the_text() -> None:
    growing = GrowingText()
    growing.frame("first\n\nblock\n\nmore")
    assert growing.frame("other") == "other"


def test_full_frame_is_not_converted_again() -> None:
    growing = GrowingText()
    text = "word word.\n\n" * 600
    full = growing.frame(text)
    assert units(full) <= 4096
    assert growing.frame(text + "more") == full


@pytest.mark.parametrize(
    ("block", "shown"),
    [
        ("a **b", "a b"),
        ("a **", "a"),
        ("a `b", "a b"),
        ("a ``b ` c", "a b ` c"),
        ("a [te", "a te"),
        ("a [text](htt", "a text"),
        ("a [1", "a"),
        ("a &am", "a"),
        ("a <b", "a"),
        ("- a\n-", "• a"),
        ("```pyth", ""),
        ("```py\nx\n``", "x"),
        ("| a | b |\n|--", ""),
        ("2 * 3", "2 * 3"),
    ],
)
def test_open_marks_are_not_shown(block: str, shown: str) -> None:
    assert GrowingText().frame(block) == shown


@pytest.mark.parametrize("secret", ["||it was the butler||", "<tg-spoiler>it was the butler</tg-spoiler>"])
def test_spoiler_is_hidden_while_the_answer_grows(secret: str) -> None:
    found = frames(f"The end: {secret}, of course.\n\n> {secret}\n\nMore")
    assert not any("butler" in frame or "it" in frame for frame in found)
    assert found[-1].startswith("The end: ▒▒ ▒▒▒ ▒▒▒ ▒▒▒▒▒▒, of course.")


def test_code_in_a_list_is_shown_line_by_line() -> None:
    found = frames("1. first\n   ```bash\n   ls -l\n   ```\n2. second")
    assert all(later.startswith(earlier) for earlier, later in pairwise(found))
    assert not any("bash" in frame or "`" in frame for frame in found)


def test_texts_that_differ_are_continued() -> None:
    growing = GrowingText()
    assert growing.frame("a <b>bold words here") == "a bold words here"
    growing.frame("a <b>bold words here.\n\nnext")
    assert growing.frame("a <b>bold words here.\n\nnext block") == "a bold words here.\n\nnext block"


def test_table_below_a_heading_grows_by_rows_without_bars() -> None:
    found = frames("## Prices\n| tea | price |\n|---|---|\n| green | **4** |\n| black | 5 |\nA line")
    assert all(later.startswith(earlier) for earlier, later in pairwise(found))
    assert not any("| tea" in frame or "--" in frame or "*" in frame for frame in found)
    assert found[-1] == "Prices\n\ntea | price\ngreen | 4\nblack | 5\n\nA line"


@pytest.mark.parametrize(
    "markdown",
    [
        "- [x] done\n- [ ] to do **now**\n  - [X] sub `a`\n1. [ ] three\nend",
        "text\n***\nmore **a**\n\n___\n\nend *b*.",
        "So \\[ \\frac{1}{2} \\] holds.\n\n\\begin{align}\na &= b\n\\end{align}\n\nend",
        "lib/__pycache__/x.pyc and a.__class__.__name__ here",
        "Escaped \\`tick\\`, \\*star\\* and `code` end",
        'See [F](https://e.org/F_(x)) or [G](https://e.org/g "Title of G"), [[1]](https://e.org/1).',
        "Codes `*`, `**` and *`e`*, ~~`f`~~ and *really?*, **5 ** 2** = 25; 2**10, f(**kwargs)",
        "> | a | b |\n> |---|---|\n> | 1 | 2 |\n\nend",
        "- run `x`:\n  ```py\n  f(**kwargs)\n  ```\n  then **go** on\n- ***both*** and _a_b_ c",
        "(||no||) and a || b, c. Done",
    ],
)
def test_mark_is_never_shown_and_no_letter_is_lost(markdown: str) -> None:
    found = frames(f"{markdown}\n")
    assert all(later.startswith(earlier) for earlier, later in pairwise(found))
    final = draft_of(render(markdown)[0])
    assert letters(found[-1]) == letters(final)
    assert not any(mark in frame for frame in found for mark in ("](", "```", "\\[", "--") if mark not in final)
    assert all(frame.count(mark) <= final.count(mark) for frame in found for mark in ("*", "_", "`", "|", "<", "["))
