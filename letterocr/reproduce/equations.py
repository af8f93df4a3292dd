"""Equations of the claims, typeset on the page: those of each claim, and the formulas inside sentences."""

from __future__ import annotations

import re

from letterocr.pages.maths import make_equation
from letterocr.pages.template import Html, escape_text

EQUATIONS = {
    "fig3": r"W = (A^T A)^{-1} A^T, \quad W A = I",
    "arithmetic": r"L + F \approx E",
    "digit": r"L + T - B + 3 \approx I",
    "bias": r"q = W a + b",
    "fig4": r"A_r = \sum_{i=1}^{r} \sigma_i u_i v_i^T",
    "fig5": r"A = U \Sigma V^T, \quad \sigma_1 \geq \sigma_2 \geq \dots \geq \sigma_p",
    "rank": r"\exp \left( - \sum_i p_i \ln p_i \right), \quad p_i = \frac{\sigma_i}{\sum_j \sigma_j}",
    "linear": r"q = W_q (W_h a + b_h) + b_q = W a + b, \quad W = W_q W_h, \quad b = W_q b_h + b_q",
    "sigmoid": r"s(x) = \frac{1}{1 + e^{-x/T}}",
    "symmetry": r"W_q \leftarrow W_q V, \quad W_h \leftarrow V^T (V V^T)^{-1} W_h",
    "rate": r"R = \frac{1}{p} A A^T, \quad \alpha = \frac{1}{\lambda_{\max}}",
    "normal": r"R W^T = Z, \quad Z = \frac{1}{p} A C^T",
    "fig7": r"q = s ( W_q s ( W_h a + b_h ) + b_q )",
    "fig8": r"q = s ( W_3 s ( W_2 s ( W_1 a + b_1 ) + b_2 ) + b_3 )",
}

# The formulas as sentences have them in a terminal, and as LaTeX.
FORMULAS = {
    "W = (A^T A)^-1 A^T": r"W = (A^T A)^{-1} A^T",
    "W_q (W_h A + b_h 1^T) + b_q 1^T": r"W_q (W_h A + b_h 1^T) + b_q 1^T",
    "V^T (V V^T)^-1 W_h": r"V^T (V V^T)^{-1} W_h",
    "s(0) W_q (1 - V 1)": r"s(0) W_q (1 - V 1)",
    "W A + b 1^T": r"W A + b 1^T",
    "R W^T = Z = (1/p) A C^T": r"R W^T = Z = \frac{1}{p} A C^T",
    "R = (1/p) sum a_k a_k^T": r"R = \frac{1}{p} \sum_k a_k a_k^T",
    "R W^T = Z": r"R W^T = Z",
    "R W = z": r"R W = z",
    "|R W^T - Z| / |Z|": r"\lVert R W^T - Z \rVert / \lVert Z \rVert",
    "|W - A^+| / |A^+|": r"\lVert W - A^{+} \rVert / \lVert A^{+} \rVert",
    "2/(lambda_max + smallest)": r"2 / (\lambda_{\max} + \lambda_{\min})",
    "|W A - I|": r"| W A - I |",
    "[A; 1^T]": r"[A; 1^T]",
    "1/lambda_max": r"1 / \lambda_{\max}",
    "2/lambda_max": r"2 / \lambda_{\max}",
    "2/max|a|^2": r"2 / \max | a |^2",
    "lambda_max": r"\lambda_{\max}",
    "A^T A": r"A^T A",
    "W_q V": r"W_q V",
    "W_q": r"W_q",
    "W_h": r"W_h",
    "b_q": r"b_q",
    "b_h": r"b_h",
    "q = W a": r"q = W a",
    "R = A A^T / p": r"R = A A^T / p",
    "Z = A C^T / p": r"Z = A C^T / p",
}
_PATTERN = re.compile("|".join(re.escape(text) for text in sorted(FORMULAS, key=len, reverse=True)))


def typeset(text: object) -> Html:
    """Return a text with its formulas as MathML.

    Example:
        >>> typeset("rank < 3"), "<math" in typeset("the length of W_q")
        ('rank &lt; 3', True)
    """
    if isinstance(text, Html):
        return text
    plain, parts, place = str(text), [], 0
    for found in _PATTERN.finditer(plain):
        parts += [escape_text(plain[place : found.start()]), make_equation(FORMULAS[found[0]])]
        place = found.end()
    return Html("".join([*parts, escape_text(plain[place:])]))
