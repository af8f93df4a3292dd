"""Letter arithmetic: letters that are nearly sums and differences of others, and what a bias can mend (9-12, 21-27).

A relation says sum of c_i a_i ~ a_k (L + F ~ E), or A d ~ 0 with d = c - e_k. A linear network gives W A d = 0, but its
correct outputs give d: so where the relation is exact, no W is right. With a bias the network gives b (1^T d):
    if 1^T d = 0 (the c_i sum to one), the bias has no effect, and the relation holds for the outputs as before;
    else b = d / (1^T d) mends this relation, and no other that is not a multiple of it.
So a bias removes at most one dimension of relations: rank [A; 1^T] - rank A is 0 or 1. A second linear layer adds
nothing: (27) is (23).

Shapes: A [m, C], one column for each class of letters (900 pixels); G = A^T A [C, C]; d, c [C].
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.config.data import ALPHABETS
from letterocr.data.letters import describe_alphabet
from letterocr.matrix.letter_matrix import with_ones

COEFFICIENTS = (-2, -1, 1, 2)


@dataclass(frozen=True)
class Relation:
    """A relation: a sum of letters with whole coefficients that is nearly another letter.

    Attributes:
        terms: pairs (coefficient, letter), each letter as its place in the alphabet.
        target: the letter that the sum is near to, as its place in the alphabet.
        residual: |sum c_i a_i - a_k| / |a_k|.
        alphabet: the names of the classes.
    """

    terms: tuple[tuple[int, int], ...]
    target: int
    residual: float
    alphabet: str

    @property
    def text(self) -> str:
        """The relation as in (9): `L + F - 2I = E`, positive terms first; twice the digit 3 is written `2*3`."""
        text = ""
        for c, letter in sorted(self.terms, key=lambda term: term[0] < 0):
            sign = ("-" if c < 0 else "") if not text else (" - " if c < 0 else " + ")
            name = self.alphabet[letter]
            times = "" if abs(c) == 1 else f"{abs(c)}*" if name.isdecimal() else str(abs(c))
            text += f"{sign}{times}{name}"
        return f"{text} = {self.alphabet[self.target]}"

    @property
    def null_vector(self) -> Tensor:
        """The vector d = c - e_k [C] float64, for which A d is the relation's residual vector."""
        d = torch.zeros(len(self.alphabet), dtype=torch.float64)
        for c, letter in self.terms:
            d[letter] += c
        d[self.target] -= 1
        return d

    @property
    def coefficient_sum(self) -> int:
        """The sum 1^T d; where it is 0, no bias can mend the relation (12)."""
        return sum(c for c, _ in self.terms) - 1


def name_columns(A: Tensor) -> str:
    """Return the names of the columns of an alphabet matrix: A..Z, with 36 columns also 0..9.

    Args:
        A: [m, C]; if its columns are digits alone, or others, their names must be given.
    """
    return ALPHABETS["all"][: A.shape[1]]


def find_relation(A: Tensor, text: str, alphabet: str = "") -> Relation:
    """Read a relation such as `L + F - 2I = E` and measure its residual in the letters A.

    Args:
        A: [m, C].
        text: the relation, in whole numbers and letters of the alphabet.
        alphabet: the names of the C classes; empty: as `name_columns` says.

    Raises:
        UserError: the text is not a relation.

    Example:
        >>> A = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])  # the letters A, B and C
        >>> find_relation(A, "2A + B = C", "ABC").residual
        0.0
    """
    alphabet = alphabet or name_columns(A)
    left, equals, right = text.partition("=")
    target, compact = right.strip(), re.sub(r"\s", "", left)
    name = f"[{re.escape(alphabet)}]"
    term = rf"([+-]?)(?:([1-9]\d*)\*?)?({name})"
    letters = [letter for _, _, letter in re.findall(term, compact)]
    if not equals or not re.fullmatch(name, target) or not re.fullmatch(rf"{term}([+-]([1-9]\d*\*?)?{name})*", compact):
        every = describe_alphabet(alphabet)
        raise UserError(f"relation {text!r}: write letters {every} with whole numbers, as in L + F - 2I = E.")
    if len({*letters, target}) <= len(letters):
        raise UserError(f"relation {text!r}: it names a letter twice; write each letter once.")
    terms = tuple(
        ((-1 if sign == "-" else 1) * int(number or 1), alphabet.index(letter))
        for sign, number, letter in re.findall(term, compact)
    )
    return measure_relation(A, terms, alphabet.index(target), alphabet)


def measure_relation(A: Tensor, terms: tuple[tuple[int, int], ...], target: int, alphabet: str) -> Relation:
    """Measure the residual of a relation from the columns of A themselves, not from their inner products.

    Args:
        A: [m, C].
        terms: pairs (coefficient, letter), each letter as its place in the alphabet.
        target: place of the letter that the sum is near to.
        alphabet: the names of the C classes.
    """
    A = A.double()
    total = sum((c * A[:, letter] for c, letter in terms), torch.zeros_like(A[:, 0]))
    return Relation(terms, target, float((total - A[:, target]).norm() / A[:, target].norm()), alphabet)


def search(
    A: Tensor,
    count: int = 20,
    sizes: tuple[int, ...] = (2, 3),
    target: str | None = None,
    alphabet: str = "",
) -> list[Relation]:
    """Search the relations of smallest residual among all pairs and triples with coefficients -2, -1, 1, 2 (9).

    The search is exact: it tries every combination, by |sum c_i a_i - a_k|^2 = c^T G c - 2 c^T g_k + g_kk.

    Args:
        A: [m, C].
        count: the largest number of relations to return.
        sizes: how many letters are combined.
        target: the only letter to come near to; None: each letter in turn.
        alphabet: the names of the C classes; empty: as `name_columns` says.

    Returns:
        The relations, smallest residual first.
    """
    A, alphabet = A.double(), alphabet or name_columns(A)
    gram = A.mT @ A
    targets = [alphabet.index(target)] if target else range(len(alphabet))
    best: list[Relation] = []
    for size in sizes:
        sets = torch.combinations(torch.arange(A.shape[1]), size)  # [S, size]
        signs = torch.cartesian_prod(*[torch.tensor(COEFFICIENTS)] * size).double()  # [4^size, size]
        blocks = gram[sets[:, :, None], sets[:, None, :]]  # [S, size, size]
        own = torch.einsum("ci,sij,cj->sc", signs, blocks, signs)
        for k in targets:
            squares = own - 2 * gram[k, sets] @ signs.mT + gram[k, k]
            squares[(sets == k).any(1)] = torch.inf
            for place in squares.flatten().topk(min(count, squares.numel()), largest=False).indices.tolist():
                if squares.flatten()[place] < torch.inf:
                    s, c = divmod(place, len(signs))
                    terms = zip(signs[c].int().tolist(), sets[s].tolist(), strict=True)
                    best.append(measure_relation(A, tuple(terms), k, alphabet))
    return sorted(best, key=lambda r: (r.residual, r.text))[:count]


def select_distinct(relations: list[Relation]) -> list[Relation]:
    """Keep the first of all relations that say the same: E + T - F = I and F + I - T = E have one d up to its sign."""
    first: dict[tuple[int, ...], Relation] = {}
    for r in relations:
        d = r.null_vector.int().tolist()
        first.setdefault(max(tuple(d), tuple(-x for x in d)), r)
    return list(first.values())


def best_combination(A: Tensor, letters: str, target: str, alphabet: str = "") -> tuple[Tensor, float]:
    """The real coefficients with which some letters come nearest to another letter, and the residual (least squares).

    Args:
        A: [m, C].
        letters: the letters to combine, such as `LF`.
        target: the letter to come near to.
        alphabet: the names of the C classes; empty: as `name_columns` says.

    Returns:
        Coefficients [len(letters)] float64, and |sum c_i a_i - a_k| / |a_k|.
    """
    alphabet = alphabet or name_columns(A)
    B = A.double()[:, [alphabet.index(letter) for letter in letters]]
    a = A.double()[:, alphabet.index(target)]
    coefficients = torch.linalg.lstsq(B, a[:, None], driver="gelsd").solution[:, 0]
    return coefficients, float((B @ coefficients - a).norm() / a.norm())


def distances_from_others(A: Tensor, alphabet: str = "") -> Tensor:
    """The relative distance of each letter from the span of all others, |a_k - projection| / |a_k|.

    It is 0 where a relation is exact, and equals 1 / sqrt((G^-1)_kk) / |a_k|. It is computed by least squares, which
    works for a singular G too.

    Args:
        A: [m, C].
        alphabet: the names of the C classes; empty: as `name_columns` says.

    Returns:
        [C] float64.
    """
    alphabet = alphabet or name_columns(A)
    residuals = [best_combination(A, alphabet.replace(k, ""), k, alphabet)[1] for k in alphabet]
    return torch.tensor(residuals, dtype=torch.float64)


def nearest_multiples(A: Tensor) -> Tensor:
    """Return the least |c a_j - a_k| / |a_k| over all letters j and real c, for each k: [C]; the sine of an angle."""
    unit = A / A.norm(dim=0)
    cosines = (unit.mT @ unit).abs().fill_diagonal_(0).amax(0)
    return (1 - cosines.square()).clamp(min=0).sqrt()


def null_relations(A: Tensor, tolerance: float | None = None) -> Tensor:
    """An orthonormal basis of all d with A d = 0, for which no linear network is right (10, 11).

    Args:
        A: [m, n].
        tolerance: singular values up to this, relative to the largest, count as 0; None: max(m, n) eps in float64.

    Returns:
        [n, n - rank] float64; no columns where A has full column rank.
    """
    _, sigma, vh = torch.linalg.svd(A.double(), full_matrices=A.shape[0] < A.shape[1])
    limit = max(A.shape) * torch.finfo(torch.float64).eps if tolerance is None else tolerance
    return vh[int((sigma > limit * sigma[0]).sum()) :].mT


@dataclass(frozen=True)
class Ranks:
    """Ranks, which say how many relations among the letters one bias can mend (12, 23).

    Attributes:
        letters: rank A.
        with_ones: rank [A; 1^T].
        relations: dimension of the d with A d = 0, for which no linear network without a bias is right.
        binding: dimension of the d with A d = 0 and 1^T d = 0, which a bias can't mend: as many, or one less.
    """

    letters: int
    with_ones: int
    relations: int
    binding: int


def ranks(A: Tensor, tolerance: float | None = None) -> Ranks:
    """The ranks of A and of [A; 1^T], and the relations that they leave.

    Args:
        A: [m, n].
        tolerance: as in `null_relations`.

    Example:
        >>> ranks(torch.tensor([[1.0, 2.0]]))  # a_2 = 2 a_1; here a bias helps
        Ranks(letters=1, with_ones=2, relations=1, binding=0)
    """
    relations, binding = (null_relations(M, tolerance).shape[1] for M in (A, with_ones(A)))
    return Ranks(A.shape[1] - relations, A.shape[1] - binding, relations, binding)


def find_mending_bias(d: Tensor) -> Tensor | None:
    """Return the bias b = d / (1^T d), with which W A d + b 1^T d = d holds where A d = 0 (12); None if 1^T d = 0.

    Args:
        d: [C], such as a relation's `null_vector`.

    Example:
        >>> find_mending_bias(torch.tensor([2.0, 1.0, -1.0])).tolist()
        [1.0, 0.5, -0.5]
    """
    total = d.double().sum()
    binds = abs(total) <= 1e-12 * d.double().abs().sum()  # allows for rounding of the sum
    return None if binds else d.double() / total


def collapse(weights: list[Tensor], biases: list[Tensor | None]) -> tuple[Tensor, Tensor]:
    """The one W and b that a chain of linear layers equals: W = W_q W_h, b = W_q b_h + b_q (21-27).

    Args:
        weights: [out, in] each, first to last.
        biases: [out] each, or None.

    Returns:
        W [out of the last, in of the first] and b [out of the last], float64.
    """
    W = torch.eye(weights[0].shape[1], dtype=torch.float64)
    b = torch.zeros(weights[0].shape[1], dtype=torch.float64)
    for weight, bias in zip(weights, biases, strict=True):
        W, b = weight.double() @ W, weight.double() @ b
        b = b if bias is None else b + bias.double()
    return W, b
