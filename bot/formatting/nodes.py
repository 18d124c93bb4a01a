"""Rich HTML as a tree: escaped where it is written, so no word of a model is ever markup."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from bot.formatting.markdown import is_visible

BLOCKS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr", "ul", "ol", "li", "blockquote", "table", "tr", "footer"}
)
"""What Telegram counts: rows and items too."""

QUOTED = "quote"
"""A quotation within one: its blocks stand in the outer."""

CONTAINERS = frozenset({"li", "blockquote", QUOTED})
_UNSEEN = frozenset({"", QUOTED})
_VOID = frozenset({"br", "hr"})
_MAY_BE_EMPTY = frozenset({"br", "hr", "tr", "th", "td"})


@dataclass(slots=True)
class Node:
    """An element, or with no tag just what it holds. `implied`: a paragraph that the Markdown did not name."""

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
        if self.tag in _UNSEEN:
            return inner
        return f"<{self.tag}{''.join(map(_attribute, self.attributes.items()))}>{inner}</{self.tag}>"

    def shows(self) -> bool:
        """False where nothing can be seen of it: Telegram refuses a whole message for one empty block."""
        return self.tag == "hr" or any(map(is_visible, self.text))

    def prune(self) -> None:
        """Without blocks that show nothing. Items of a numbered list keep their numbers."""
        if self.tag == "ol":
            self._number()
        self.children = [each for each in self.children if isinstance(each, str) or _stays(each)]
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


def _stays(node: Node) -> bool:
    return node.tag in _MAY_BE_EMPTY or node.tag not in BLOCKS or node.shows()


def _attribute(item: tuple[str, str]) -> str:
    """One without a value is only named."""
    name, value = item
    return f' {name}="{escape(value)}"' if value else f" {name}"
