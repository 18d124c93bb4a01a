"""The last block of a text that grows, as if its open styles, code and links ended here."""

import re
from collections.abc import Iterator

from bot.formatting import formulas
from bot.formatting.growing.fences import last_fence
from bot.formatting.html.tags import INLINE, PLAIN, STYLES
from bot.formatting.source import times_replaced

MOST_TRIMMED = 3
MOST_HELD = 300
"""The longest beginning of a formula in single dollars that or of a comment that is held back."""
_CODE = re.compile(r"(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_WITHIN = r"(?:[^\[\]\n]|\[[^\[\]\n]{0,99}\](?:\([^()\s]{0,300}\))?+){0,300}+"
_TARGET = r"\((?:https?://[^()<>\"'\n]{0,300}|[^()\s]|\([^()\s]*\)?)*(?:[ ]+[\"'][^\"'\n]*[\"']?)?"
_LINK = re.compile(rf"(?<!\\)!?\[(?P<text>{_WITHIN})(?:\](?:{_TARGET}|\[[^\[\]\n]*)?)?\Z")
_HALF_FENCE = re.compile(r"\n[ \t>]*[`~]{1,2}\Z")
_TICKS = re.compile(r"(?<![`\\])`+")
_CITED = re.compile(r"[\d^\s,]{0,9}|!\w{0,20}|[xX]")
_MARK, _NAMES = r"(?<![*_~`\\!$|])[*_~`\\!$|]++|&#?\w*|\\[a-z]{1,5}|(?<=\w[./\\])__\w*", "|".join((*PLAIN, *STYLES))
_HALF_TAG = rf"</?[\w-]*|<(?:a|{_NAMES})\s[^<>\n]{{0,300}}|<!-{{0,2}}|</?(?:{'|'.join(PLAIN)})(?:\s[^<>\n]{{0,300}})?>"
_HALF_LINE = r"^[ \t>]*+(?:#{1,6}|[-+*]|\d{1,9}[.)]?|[-=:|][-=:| ]*+)"
_ROW = re.compile(r"[ \t>]*\|(?!\|)")
_HALF = re.compile(rf"(?:{_MARK}|{_HALF_TAG}|{_HALF_LINE})\Z", re.MULTILINE)
_DELIMITERS = re.compile(r"\n[ \t>]*+(?:\|[ \t]*+)?:?-[ \t:|-]*+\n")
_RUN = re.compile(r"(?<!\\)(?:\*{1,3}(?!\*)|_{1,3}(?!_)|~~(?!~))")
_RULE = re.compile(r"^[ \t>]*([-*_])(?:[ \t]*\1){2,}[ \t]*$", re.MULTILINE)
_BOUNDARY = re.compile(r"\n[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]|\n|#{1,6}[ ])")
_STRONG = 2
_TAG = re.compile(rf"<(?P<close>/?)(?P<name>a(?=[ >])|{'|'.join((*INLINE, *STYLES))})(?:\s[^<>]*)?>", re.IGNORECASE)
_NOT_CLOSED = frozenset({"sub", "sup"})
_DISPLAYED = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("<tg-spoiler>", "</tg-spoiler>"))
_SPOILER = re.compile(r"(?:(?<=[\s(\[{\"'\u201c\u2018\u00ab\u2013\u2014:])|\A)\|\|(?=\w)(?!.*\|\|)", re.DOTALL)
_BEGIN, _END = "\\begin{", re.compile(r"\\end\{\w*\*?\}")
_DOLLAR = re.compile(rf"(?<![\w$\\])\$(?=[^\s$])(?P<rest>[^$\n]{{0,{MOST_HELD}}})\Z")
_RAISED = re.compile(r"<(su[bp])(?:\s[^<>]*)?>(?:(?!</\1>)[^\n]){0,60}\Z", re.IGNORECASE)
_ANY_OPENING = re.compile(r"[*_~`\\$|<\[]")
_PROSE, _OPERATOR = re.compile(r"\s[^\W\d_]{3,}\s"), re.compile(r"[\\^_{]")


def mended(block: str) -> str:
    """Return a block that ends here: an incomplete mark is left out, and open elements are closed."""
    if not _ANY_OPENING.search(block):  # nothing can be open in it
        return _trimmed(block, 2 * MOST_TRIMMED)
    fence, is_open = last_fence(block)
    if fence and is_open:
        has_code = block[fence.end() :].strip(" >\n`~")
        return _HALF_FENCE.sub("", block) if has_code else block[: fence.start()]
    if fence and not block[fence.end() :].strip():
        return block
    rows = _start_of_rows(block)
    if _DELIMITERS.search(f"\n{block[rows:]}"):
        return block[: block.rfind("\n") + 1]
    block = block[:rows]
    end = fence.end() if fence else 0
    block = block[:end] + _trimmed(block[end:])
    block = block[: _held_from(_without_code(block))].rstrip()
    if ticks := _TICKS.search(_without_code(block)):
        return block + ticks[0] + _closing(_without_code(block + ticks[0]), end)
    block = _LINK.sub(lambda link: "" if _CITED.fullmatch(link["text"]) else link["text"], block)
    block = block[:end] + _trimmed(block[end:])
    return block + _closing(_without_code(block), end)


def _start_of_rows(block: str) -> int:
    """Return the position at which the table rows begin that end the block, or its length."""
    last = block.rfind("\n") + 1
    start = len(block) if block[last:].strip(" \t>") else last
    while start and _ROW.match(block, before := block.rfind("\n", 0, start - 1) + 1):
        start = before
    return start if start < last or _ROW.match(block, start) else len(block)


def _trimmed(block: str, times: int = MOST_TRIMMED) -> str:
    """Return the block without incomplete marks at its end, of which `times` may follow each other."""
    for _ in range(times):
        shorter = _HALF.sub("", block.rstrip())
        if shorter == block:
            break
        block = shorter
    return block.rstrip()


def _without_code(block: str) -> str:
    """Return the block with a placeholder of the same length for its code."""
    return _CODE.sub(lambda code: "x" * len(code[0]), block)


def _held_from(block: str) -> int:
    """Return the position of an open formula, spoiler, subscript or superscript, or the block's end.

    The first two would be shown as their source; the last two look different when they grow.
    """
    whole = [(start, end) for start, end, _ in formulas.find(block)]
    starts = [block.rfind(opening) for opening, closing in _DISPLAYED if _is_open(block, opening, closing)]
    starts += [found.start() for pattern in (_SPOILER, _DOLLAR, _RAISED) if (found := pattern.search(block))]
    begin = block.rfind(_BEGIN)
    starts += [begin] if begin >= 0 and not _END.search(block, begin) else []
    comment = block.rfind("<!--")
    starts += [comment] if max(block.rfind("-->"), len(block) - MOST_HELD) < comment else []
    outside = [at for at in starts if not any(start <= at < end for start, end in whole)]
    return min((at for at in outside if block[at] != "$" or _is_formula(block[at:])), default=len(block))


def _is_open(block: str, opening: str, closing: str) -> bool:
    if opening == closing:
        return block.count(opening) % 2 == 1
    return block.rfind(opening) > block.rfind(closing)


def _is_formula(text: str) -> bool:
    """Return whether an open dollar begins a formula rather than an amount."""
    if text.startswith("$$") or _OPERATOR.search(text):
        return True
    return not text[1:2].isdigit() and not _PROSE.search(f"{text} ") and len(text) < MOST_HELD // 4


def _closing(block: str, start: int) -> str:
    """Return the marks that close the styles that are open after `start`, and the open tags, the innermost first."""
    start = max([start, *(found.end() - 1 for found in _BOUNDARY.finditer(block, start))])
    marks = [*_open_styles(block, start), *_open_tags(block)]
    return "".join(mark for _, mark in sorted(marks, reverse=True))


def _open_styles(block: str, start: int) -> list[tuple[int, str]]:
    """Return the marks that begin a style without an end, each with its position."""
    text = times_replaced(_RULE.sub(lambda rule: " " * len(rule[0]), block))
    found: dict[str, list[int]] = {}
    for run in _RUN.finditer(text, start):
        before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
        closes, opens = _closes(run[0], before, after), _opens(run[0], before, after)
        for mark in _marks_of(run[0]):
            if closes and found.get(mark):
                found[mark].pop()
            elif opens:
                found.setdefault(mark, []).append(run.start())
    return [(at, mark) for mark, places in found.items() for at in places]


def _marks_of(run: str) -> Iterator[str]:
    if len(run) >= _STRONG:
        yield run[:_STRONG]
    if len(run) != _STRONG:
        yield run[0]


def _closes(run: str, before: str, after: str) -> bool:
    return bool(before.strip()) and not (run[0] == "_" and after.isalnum())


def _opens(run: str, before: str, after: str) -> bool:
    return bool(after.strip()) and not (before.isalnum() and (len(run) == 1 or run[0] == "_"))


def _open_tags(block: str) -> list[tuple[int, str]]:
    tags: list[tuple[int, str]] = []
    for tag in _TAG.finditer(block):
        if tag["name"].lower() in _NOT_CLOSED:
            continue
        if not tag["close"]:
            tags.append((tag.start(), f"</{tag['name']}>"))
        elif tags and tags[-1][1] == f"</{tag['name']}>":
            tags.pop()
    return tags
