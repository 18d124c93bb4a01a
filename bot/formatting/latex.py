"""LaTeX as Unicode text: a converter, and the commands that it does not know, replaced by ones that it knows."""

import re

from telegramify_markdown.latex_escape.helper import LatexToUnicodeHelper

_CHEMISTRY = re.compile(r"\\ce\{((?:[^{}]|\{[^{}]*\})*)\}")
_REPLACED = (
    (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
    (r"\\[bB]igg?[lrm]?(?![A-Za-z]) *", ""),
    (r"\\(?:nonumber|notag)(?![A-Za-z])|\\label\{[^{}]*\}", ""),
    (r"\\tag\*?\{([^{}]*)\}", r" (\1)"),
    (r"\\[hv]space\*?\{[^{}]*\}|\\q?quad(?![A-Za-z])|(?<!\\)~", " "),
    (r"\\wide(hat|tilde)(?![A-Za-z])", r"\\\1"),
    (r"\\overrightarrow(?![A-Za-z])", r"\\vec"),
    (r"\\ne(?![A-Za-z])", r"\\neq "),
    (r"\\([gl]eq)slant(?![A-Za-z])", r"\\\1 "),
    (r"\\coloneqq(?![A-Za-z])", ":="),
    (r"\\degree(?![A-Za-z])", "°"),
    (r"\\(?:SI|qty)\{([^{}]*)\}\{([^{}]*)\}", r"\1 \2"),
    (r"\\(?:unit|si|num|pu)\{([^{}]*)\}", r"\1"),
    (r"\\(?:hline|toprule|midrule|bottomrule|limits|nolimits)(?![A-Za-z])|\\cline\{[^{}]*\}", ""),
    (r"\\(begin|end)\{(?:alignat(?:ed)?\*?\}(?:(?<=\})\{\d+\})?|(?:align|flalign|eqnarray)\*\})", r"\\\1{align}"),
    (r"\\\\\*?\[-?[\d.]+ *(?:pt|em|ex|mm|cm|in)\]", r"\\\\"),
)
_CANCELLED, _STRUCK = re.compile(r"\\[bx]?cancel\{([^{}]*)\}"), "\u0336"
_ROOTS = {"": "√", "2": "√", "3": "∛", "4": "∜"}
_WHOLE = re.compile(r"[\d.]+|.[\u0300-\u036f\u20d0-\u20ff]*|\([^()]*\)")
_BLANK_LINES = re.compile(r"[ \t]*\n\s*\n")

_PATTERNS = tuple((re.compile(pattern), by) for pattern, by in _REPLACED)
_REACTION = (
    (re.compile(r"<=+>|<-+>"), "⇌"),
    (re.compile(r"-+>"), "→"),
    (re.compile(r"<-+"), "←"),
    (re.compile(r"\^\{?(\d*[+-])\}?"), r"^{\1}"),
    (re.compile(r"(?<=[A-Za-z)\]])(\d+)"), r"_{\1}"),
    (re.compile(r"(?<=[A-Za-z)\]}])([+-])(?=\s|$)"), r"^{\1}"),
)


class _Converter(LatexToUnicodeHelper):
    """Writes roots with parentheses: lines over each character are hard to read in a monospaced font."""

    @staticmethod
    def translate_sqrt(_: str, option: str, param: str) -> str:
        index, radicand = option.strip(), param.strip()
        raised = LatexToUnicodeHelper.try_make_superscript(index)  # type: ignore[no-untyped-call]
        root = _ROOTS.get(index) or f"{raised or f'({index})'}√"
        return root + (radicand if _WHOLE.fullmatch(radicand) else f"({radicand})")


_CONVERTER = _Converter()


def unicode_of(source: str) -> str:
    """Return a formula in Unicode. Raises any error for odd LaTeX."""
    return _BLANK_LINES.sub("\n", str(_CONVERTER.convert(known(source))).strip())  # type: ignore[no-untyped-call]


def known(source: str) -> str:
    """Return a formula in commands that the converter knows."""
    if "\\" not in source and "~" not in source:
        return source
    source = _CHEMISTRY.sub(_reaction, source)
    source = _CANCELLED.sub(lambda found: "".join(f"{char}{_STRUCK}" for char in found[1]), source)
    for pattern, by in _PATTERNS:
        source = pattern.sub(by, source)
    return source


def _reaction(found: re.Match[str]) -> str:
    """Return the formula of a reaction: `H2O` has a subscript, `Cl-` a charge, `->` is an arrow."""
    text = found[1]
    for pattern, by in _REACTION:
        text = pattern.sub(by, text)
    return text
