"""Fences of code blocks: the last one of a text, and repairs of fences that would take the text after them for code."""

import re

_FENCE = re.compile(r"^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)$", re.MULTILINE)
_NESTING = re.compile(r"^```[ \t]*(?:markdown|md|mdx)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_INNER = re.compile(r"^(?P<mark>`{3,})[ \t]*(?P<info>[^`\s]?)[^`\n]*$", re.MULTILINE)
_GLUED = re.compile(r"^(?P<before>[^`\n]*[^`\s])[ \t]*(?P<fence>```[\w+#.-]*)$", re.MULTILINE)


def last_fence(block: str) -> tuple[re.Match[str] | None, bool]:
    """Return the last line that opens or closes code, and whether it opens some."""
    last: re.Match[str] | None = None
    is_open = False
    for found in _FENCE.finditer(block):
        if not is_open or last is None:
            last, is_open = found, True
        elif found["mark"].startswith(last["mark"]) and not found["info"].strip():
            last, is_open = found, False
    return last, is_open


def with_whole_fences(markdown: str) -> str:
    """Repair a text whose last fence has no end, if the repair gives it one.

    Models write examples of Markdown whose own fences are as long as the one around them, and begin a fence behind
    other text of its line. The parser then takes the text after the code for code.
    """
    if "```" not in markdown or not last_fence(markdown)[1]:
        return markdown
    repairs = (repair(markdown) for repair in (_nested, _on_lines))
    return next((each for each in repairs if each != markdown and not last_fence(each)[1]), markdown)


def _nested(markdown: str) -> str:
    """Lengthen the fences around examples of Markdown that contain fences."""
    out, position = list[str](), 0
    for opening in _NESTING.finditer(markdown):
        if opening.start() < position:
            continue
        end = _end_of_example(markdown, opening.end())
        if end is None:
            break
        out += [markdown[position : opening.start()], "`", markdown[opening.start() : end.start()], "`"]
        position = end.start()
    return "".join([*out, markdown[position:]])


def _end_of_example(markdown: str, start: int) -> re.Match[str] | None:
    """Return the fence that ends an example, after as many inner ones that begin code as such that end it."""
    depth = 1
    for fence in _INNER.finditer(markdown, start):
        if len(fence["mark"]) > len("```"):
            return None
        depth += 1 if fence["info"] else -1
        if not depth:
            return fence
    return None


def _on_lines(markdown: str) -> str:
    """Let fences behind other text begin lines."""
    return _GLUED.sub(lambda line: f"{line['before']}\n{line['fence']}", markdown)
