"""LaTeX commands that the converter to Unicode does not know, replaced by ones that it knows, or by their meaning."""

import re

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
    (r"\\(?:unit|si|num)\{([^{}]*)\}", r"\1"),
)
_PATTERNS = tuple((re.compile(pattern), by) for pattern, by in _REPLACED)
_REACTION = (
    (re.compile(r"<=+>|<-+>"), "⇌"),
    (re.compile(r"-+>"), "→"),
    (re.compile(r"<-+"), "←"),
    (re.compile(r"\^\{?(\d*[+-])\}?"), r"^{\1}"),
    (re.compile(r"(?<=[A-Za-z)\]])(\d+)"), r"_{\1}"),
    (re.compile(r"(?<=[A-Za-z)\]}])([+-])(?=\s|$)"), r"^{\1}"),
)


def known(source: str) -> str:
    """Return a formula in commands that the converter knows."""
    if "\\" not in source and "~" not in source:
        return source
    source = _CHEMISTRY.sub(_reaction, source)
    for pattern, by in _PATTERNS:
        source = pattern.sub(by, source)
    return source


def _reaction(found: re.Match[str]) -> str:
    """Return the formula of a reaction: `H2O` has a subscript, `Cl-` a charge, `->` is an arrow."""
    text = found[1]
    for pattern, by in _REACTION:
        text = pattern.sub(by, text)
    return text
