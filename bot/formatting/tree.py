"""The parser's events converted to blocks of rich HTML, each with its size and its start in the source."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.formatting.blocks import DONE, IMAGE, TO_DO
from bot.formatting.formulas import Formula
from bot.formatting.html.tags import TITLES
from bot.formatting.nodes import BLOCKS, CONTAINERS, QUOTED, Node
from bot.formatting.parsing import Parsed

MOST_DEPTH, MOST_COLUMNS = 16, 20
_INLINE = {"Strong": "b", "Emphasis": "i", "Strikethrough": "s"}
_ROWS = {"TableHead": "th", "TableRow": "td"}
_LANGUAGE = re.compile(r"[\w+#.-]+")
_ALIGNED = frozenset({"left", "center", "right"})
_TAGS = {"strong": "b", "em": "i", "ins": "u", "del": "s", "strike": "s", "kbd": "code"}
_TAGS |= dict.fromkeys(TITLES, "b")
_UNSTYLED = frozenset({"small"})


@dataclass(slots=True)
class Block:
    """An outermost block. `html` is empty if the block is invisible or exceeds a limit."""

    start: int
    node: Node
    count: int = 0
    fits: bool = True
    has_table: bool = False
    html: str = ""
    text: str = ""

    def close(self) -> None:
        if not self.fits:
            return
        self.node.prune()
        self.text = self.node.text
        self.html = self.node.html() if self.node.shows() else ""
        self.has_table = self.has_table and bool(self.html)


@dataclass(slots=True)
class Tree:
    """Opens a node for each Start event of the parser and closes it at its End.

    Text in a container gets a paragraph.
    """

    _blocks: list[Block] = field(default_factory=list)
    _open: list[Node] = field(default_factory=list)
    _aligned: tuple[str, ...] = ()
    _column: int = 0
    _cell: str = "td"
    _at: int = 0
    _is_new_line: bool = False

    def read(self, events: Iterable[Parsed]) -> list[Block]:
        for event, self._at in events:
            if isinstance(event, str):
                self._mark(event)
            elif "Start" in event:
                self._start(event["Start"])
            elif "End" in event:
                self._end(event["End"])
            else:
                self._text(*next(iter(event.items())))
        return self._blocks

    def _mark(self, name: str) -> None:
        if name == "Rule":
            self._leave_implied()
            self._push(Node("hr"))
            self._pop()
        elif name == "HardBreak":
            self._write(Node("br"))
        else:
            self._is_new_line = True

    def _start(self, tag: Any) -> None:
        name, more = _named(tag)
        if name in _INLINE:
            self._inline(Node(_INLINE[name]))
        elif name in {"Link", "Image"}:
            self._link(name, more)
        elif name == "Tag":
            self._inline(Node("" if more in _UNSTYLED else _TAGS.get(more, more)))
        elif name == "TableCell":
            self._push(self._new_cell())
        else:
            self._leave_implied()
            self._block(name, more)

    def _block(self, name: str, more: Any) -> None:
        if name == "CodeBlock":
            self._code(more)
        elif name == "Table":
            self._table(more)
        elif name in _ROWS:
            self._cell, self._column = _ROWS[name], 0
            self._push(Node("tr"))
        elif name == "Item":
            self._item(more)
        else:
            self._push(_node(name, more, in_quote=any(node.tag == "blockquote" for node in self._open)))

    def _item(self, marker: str) -> None:
        """Begin an item, with a number if it does not follow the one before."""
        item, number = Node("li"), marker.rstrip(".)")
        if number.isdigit() and self._open:
            above = self._open[-1]
            following = int(above.attributes.get("start", "1")) + len(above.children)
            item.attributes |= {} if int(number) == following else {"value": str(int(number))}
        self._push(item)

    def _end(self, tag: Any) -> None:
        self._leave_implied()
        if _named(tag)[0] == "CodeBlock" and self._open[-1].children:
            last = self._open[-1].children[-1]
            self._open[-1].children[-1] = last.removesuffix("\n") if isinstance(last, str) else last
        self._pop()

    def _text(self, kind: str, text: Any) -> None:
        if kind == "TaskListMarker":
            self._write(DONE if text else TO_DO)
        elif isinstance(text, Formula):
            if text.text:
                self._write(Node("code", children=[text.text]))
        elif kind == "Code":
            self._write(Node("code", children=[text]))
        else:
            self._write(text)

    def _link(self, name: str, url: str) -> None:
        """Write a link. A picture becomes a link too, because none is fetched for a model."""
        within = any(node.tag == "a" for node in self._open)
        linked = bool(url) and not within
        self._inline(Node("a", {"href": url}) if linked else Node(""))
        if name == "Image":
            self._write(IMAGE)

    def _table(self, aligned: Any) -> None:
        self._aligned = tuple(str(each).lower() for each in aligned)
        self._push(Node("table", {"bordered": "", "striped": ""}))
        self._blocks[-1].has_table = True
        self._blocks[-1].fits &= len(self._aligned) <= MOST_COLUMNS

    def _new_cell(self) -> Node:
        align = self._aligned[self._column] if self._column < len(self._aligned) else ""
        self._column += 1
        return Node(self._cell, {"align": align} if align in _ALIGNED else {})

    def _code(self, info: str) -> None:
        found = _LANGUAGE.match(info.strip())
        inner = Node("code", {"class": f"language-{found[0]}"}) if found else None
        self._push(Node("pre", children=[inner] if inner else []))
        if inner:
            self._open[-1] = inner

    def _inline(self, node: Node) -> None:
        self._imply()
        self._push(node)

    def _write(self, content: Node | str) -> None:
        self._imply()
        self._open[-1].children.append(content)

    def _imply(self) -> None:
        if not self._open or self._open[-1].tag in CONTAINERS:
            self._push(Node("p", implied=True))
        if self._is_new_line and self._open[-1].children:
            self._open[-1].children.append(Node("br"))
        self._is_new_line = False

    def _leave_implied(self) -> None:
        if self._open and self._open[-1].implied:
            self._pop()

    def _push(self, node: Node) -> None:
        if not self._open:
            self._blocks.append(Block(self._at, node))
        block = self._blocks[-1]
        block.count += node.tag in BLOCKS
        block.fits &= len(self._open) < MOST_DEPTH - 1  # code or a line break may add one more level
        if self._open and block.fits:
            self._open[-1].children.append(node)
        self._open.append(node)

    def _pop(self) -> None:
        self._open.pop()
        if not self._open:
            self._blocks[-1].close()


def _named(tag: Any) -> tuple[str, Any]:
    """Split a tag of the parser into its name and its data."""
    return next(iter(tag.items())) if isinstance(tag, dict) else (tag, None)


def _node(name: str, more: Any, *, in_quote: bool) -> Node:
    """Return the node for a block; an unknown block becomes a paragraph."""
    if name == "Heading":
        return Node(f"h{str(more['level']).removeprefix('H')}")
    if name == "List":
        return Node("ul") if more is None else Node("ol", {"start": str(more)} if more != 1 else {})
    if name == "BlockQuote":
        return Node(QUOTED if in_quote else "blockquote")
    return Node("p")
