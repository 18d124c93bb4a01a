"""The tree of a rich message's HTML. Text is escaped when written, so that a model's text is never markup."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from bot.formatting.characters import is_visible

BLOCKS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr", "ul", "ol", "li", "blockquote", "table", "tr", "footer"}
)
"""The elements that Telegram counts as blocks, rows and items included."""

QUOTED = "quote"
"""A quotation in a quotation: its blocks are written into the outer one."""

CONTAINERS = frozenset({"li", "blockquote", QUOTED})
_WITHOUT_TAG = frozenset({"", QUOTED})
_VOID = frozenset({"br", "hr"})
_MAY_BE_EMPTY = frozenset({"br", "hr", "tr", "th", "td"})


@dataclass(slots=True)
class Node:
    """An element; without a tag, only its content. `implied`: a paragraph that the Markdown did not contain."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node | str"] = field(default_factory=list)
    implied: bool = False

    @property
    def text(self) -> str:
        return "".join(each if isinstance(each, str) else each.text for each in self.children)

    def html(self) -> str:
        if self.tag in _VOID:
            return f"<{self.tag}/>"
        inner = "".join(escape(each, quote=False) if isinstance(each, str) else each.html() for each in self.children)
        if self.tag in _WITHOUT_TAG:
            return inner
        return f"<{self.tag}{''.join(map(_attribute, self.attributes.items()))}>{inner}</{self.tag}>"

    def shows(self) -> bool:
        """Return False if the element is invisible: one empty block makes Telegram refuse the whole message."""
        return self.tag == "hr" or any(map(is_visible, self.text))

    def prune(self) -> None:
        """Remove invisible blocks. Items of a numbered list keep their numbers."""
        if self.tag == "ol":
            self._number()
        self.children = [each for each in self.children if isinstance(each, str) or _is_kept(each)]
        for each in self.children:
            if isinstance(each, Node):
                each.prune()

    def _number(self) -> None:
        first, gap = int(self.attributes.get("start", "1")), False
        for number, item in enumerate(self._items(), first):
            if gap:
                item.attributes["value"] = str(number)
            gap = gap or not item.shows()

    def _items(self) -> Iterator["Node"]:
        return (each for each in self.children if isinstance(each, Node))


def _is_kept(node: Node) -> bool:
    return node.tag in _MAY_BE_EMPTY or node.tag not in BLOCKS or node.shows()


def _attribute(item: tuple[str, str]) -> str:
    """Write one attribute, without `=` if its value is empty."""
    name, value = item
    return f' {name}="{escape(value)}"' if value else f" {name}"
