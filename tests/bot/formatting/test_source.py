import pytest

from bot.formatting.source import label_of, prepared
from tests.processor_time import units_of

TRICKY = [
    "a<b <https://x.org> <me@x.y> \\<c <div>",
    "[1]: https://x.org\n[1]: again\n`[a]: b`",
    "**重点：**内容 说**“你好”**然后",
    "$x$ \\(y\\) $$\nz\n$$ `$q$`",
    "<details>\n<summary>s</summary>\n</details>",
    "|a|\n|-|\n|1|2|3|\n",
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
