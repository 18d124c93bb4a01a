"""Parser for parse_mode=HTML: Telegram's tags, and its refusals of other tags."""

from html.parser import HTMLParser
from typing import Any

from sandbox.telegram.refusals import refuse

STYLES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
}
"""Entity type of each style tag, in any message."""
_KINDS = {**STYLES, "pre": "pre", "blockquote": "blockquote", "a": "text_link"}


def parsed(source: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the text and its entities. Raises the refusal "can't parse entities"."""
    reader = _Reader(source)
    reader.feed(source)
    reader.close()
    if reader.open:
        raise refuse("unclosed", tag=reader.open[-1][0])
    return "".join(reader.pieces), sorted(reader.found, key=lambda e: (e["offset"], -e["length"]))


class _Reader(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.found: list[dict[str, Any]] = []
        self.open: list[tuple[str, int, dict[str, str | None]]] = []
        self._lines = source.splitlines(keepends=True)
        self._size = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _KINDS:
            raise refuse("start_tag", tag=tag, offset=self._at())
        self.open.append((tag, self._size, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            raise refuse("end_tag", offset=self._at())
        _, start, attributes = self.open.pop()
        entity: dict[str, Any] = {"type": _KINDS[tag], "offset": start, "length": self._size - start}
        if tag == "a":
            if not attributes.get("href"):
                return
            entity["url"] = attributes["href"]
        language = (attributes.get("class") or "").removeprefix("language-")
        if tag == "code" and self.open and self.open[-1][0] == "pre":
            self.open[-1][2]["class"] = attributes.get("class")
            return
        if tag == "pre" and language:
            entity["language"] = language
        if tag == "blockquote" and "expandable" in attributes:
            entity["type"] = "expandable_blockquote"
        self.found.append(entity)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)
        self._size += len(data.encode("utf-16-le", "surrogatepass")) // 2

    def _at(self) -> int:
        """Return the current position in bytes, the unit of Telegram's error message."""
        line, column = self.getpos()
        before = "".join(self._lines[: line - 1])
        return len((before + "".join(self._lines[line - 1 : line])[:column]).encode())
