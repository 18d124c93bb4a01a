"""LaTeX commands that models write and the converter does not know."""

import pytest

from bot.formatting.formulas import Formula


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"\dfrac{x+1}{y}", "(x+1)/y"),
        (r"\tfrac12 + \cfrac{a}{b}", "½ + a/b"),
        (r"\ce{2H2 + O2 -> 2H2O}", "2H₂ + O₂ → 2H₂O"),
        (r"\ce{SO4^2-}", "SO₄²⁻"),
        (r"\ce{Na+ + Cl- <=> NaCl}", "Na⁺ + Cl⁻ ⇌ NaCl"),
        (r"\ce{Ca(OH)2 <- CaO}", "Ca(OH)₂ ← CaO"),
        (r"\Bigl( x \Bigr)", "( x )"),
        (r"a = b \tag{1} \label{eq:1}", "a = b (1)"),
        (r"x \nonumber", "x"),
        (r"5~m", "5 m"),
        (r"a \quad b \hspace{1cm} c", "a b c"),
        (r"\widehat{x} \overrightarrow{v}", "x̂ v⃗"),
        (r"a \ne b \geqslant c \coloneqq 90\degree", "a ≠ b ≥ c := 90°"),
        (r"\SI{5}{m/s} \unit{kg} \num{3}", "5 m/s kg 3"),
        (r"\neq \neg x", "≠ ¬ x"),
        (r"\sqrt{x} + \sqrt[3]{x+1} + \sqrt{16} + \sqrt{(a)}", "√x + ∛(x+1) + √16 + √(a)"),
        (r"\sqrt{\sqrt{a}b} \sqrt[n]{x^2}", "√(√ab) ⁿ√(x²)"),
        (r"\begin{array}{c} \hline x \\ \hline y \\[6pt] z \end{array}", "x\ny\nz"),
        (r"\cancel{ab}c \pu{5 kg}", "a̶b̶c 5 kg"),
        (r"\begin{align*} a &= b \\ c &= d \end{align*}", "a = b\nc = d"),
        (r"\begin{alignat*}{2} a &= b \end{alignat*}", "a = b"),
        (r"\begin{flalign*} a &= b \end{flalign*}", "a = b"),
        ("x = 1", "x = 1"),
    ],
)
def test_command_is_written_in_unicode(source: str, text: str) -> None:
    assert Formula(source, source).text == text
