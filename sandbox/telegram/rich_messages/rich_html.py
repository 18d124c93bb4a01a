"""Parser that reads the HTML of rich messages into a tree, with Telegram's rules for nesting and its refusals."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from sandbox.telegram.refusals import refuse

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
BLOCKS = HEADINGS | {"p", "pre", "hr", "ul", "ol", "blockquote", "table", "footer"}
_INLINE = frozenset(
    "b strong i em u ins s strike del code mark sub sup tg-spoiler a br".split()  # noqa: SIM905 - read as a list
)
DEEPEST = 100  # the depth limit is lower, however it is counted
_VOID = frozenset({"br", "hr"})
_ONLY = {"ul": {"li"}, "ol": {"li"}, "table": {"tr"}, "tr": {"th", "td"}}
_HOLD_BLOCKS = frozenset({"", "li", "blockquote"})
_SPACE = re.compile(r"\s+")


@dataclass(slots=True)
class Element:
    """An element. `at`: its start in the source, in bytes."""

    tag: str
    attributes: dict[str, str | None]
    children: list["Element | str"] = field(default_factory=list)
    at: int = 0

    @property
    def plain(self) -> str:
        return "".join(each if isinstance(each, str) else each.plain for each in self.children)

    def elements(self, *tags: str) -> list["Element"]:
        return [each for each in self.children if isinstance(each, Element) and each.tag in tags]


def parsed(source: str) -> Element:
    """Parse the source. Raises the refusal "can't parse entities"."""
    reader = _Reader(source)
    reader.feed(source)
    reader.close()
    if len(reader.open) > 1:
        raise refuse("unclosed", tag=reader.open[-1].tag)
    return reader.open[0]


class _Reader(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]
        self._lines = source.splitlines(keepends=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside = self.open[-1]
        if not _may_stand(tag, inside.tag):
            raise refuse("start_tag", tag=tag, offset=self._at())
        if len(self.open) > DEEPEST:
            raise refuse("rich_depth")
        made = Element(tag, dict(attrs), at=self._at())
        inside.children.append(made)
        if tag not in _VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if self.open[-1].tag != tag:
            raise refuse("end_tag", offset=self._at())
        self.open.pop()

    def handle_data(self, data: str) -> None:
        inside = self.open[-1]
        if inside.tag in _ONLY and data.strip():
            raise refuse("start_tag", tag=inside.tag, offset=self._at())
        if inside.tag not in _ONLY:
            is_kept = any(each.tag == "pre" for each in self.open)
            inside.children.append(data if is_kept else _SPACE.sub(" ", data))

    def handle_comment(self, data: str) -> None:
        raise refuse("start_tag", tag=data[:16], offset=self._at())

    def _at(self) -> int:
        line, column = self.getpos()
        before = "".join(self._lines[: line - 1])
        return len((before + "".join(self._lines[line - 1 : line])[:column]).encode())


def _may_stand(tag: str, inside: str) -> bool:
    """Return whether the tag may stand inside another: no link in a link, no block in a cell, rows only in tables."""
    if inside in _ONLY:
        return tag in _ONLY[inside]
    if inside in _HOLD_BLOCKS and tag in BLOCKS:
        return True
    return tag in _INLINE and not (tag == inside == "a")
