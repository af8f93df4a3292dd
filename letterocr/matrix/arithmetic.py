"""Letter arithmetic: letters that are nearly sums and differences of others, and what a bias can mend (9-12, 21-27).

A relation says sum of c_i a_i ~ a_k (L + F ~ E), or A d ~ 0 with d = c - e_k. A linear network gives W A d = 0, and is
asked for the outputs d: so where the relation is exact, no W is right. With a bias it gives b (1^T d):
    1^T d = 0 (the c_i sum to one): the bias drops out, the relation binds as before;
    else: b = d / (1^T d) mends this relation, and no other that is not a multiple of it.
So a bias takes away one dimension of relations at most: rank [A; 1^T] - rank A is 0 or 1. A second linear layer adds
nothing: (27) is (23).

Shapes: A [m, C], one column a class of letters (900 pixels); G = A^T A [C, C]; d, c [C].
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.data.letters import ALPHABET
from letterocr.matrix.letter_matrix import with_ones

COEFFICIENTS = (-2, -1, 1, 2)


@dataclass(frozen=True)
class Relation:
    """Sum of coefficients times letters ~ a letter.

    Attributes:
        terms: (coefficient, letter) each, letters as places in the alphabet.
        target: the letter that the sum comes near to, as its place in the alphabet.
        residual: |sum c_i a_i - a_k| / |a_k|.
        alphabet: the names of the classes.
    """

    terms: tuple[tuple[int, int], ...]
    target: int
    residual: float
    alphabet: str

    @property
    def text(self) -> str:
        """As in (9): `L + F - I = E`, positive terms first."""
        text = ""
        for c, letter in sorted(self.terms, key=lambda term: term[0] < 0):
            sign = ("-" if c < 0 else "") if not text else (" - " if c < 0 else " + ")
            text += f"{sign}{'' if abs(c) == 1 else abs(c)}{self.alphabet[letter]}"
        return f"{text} = {self.alphabet[self.target]}"

    @property
    def null_vector(self) -> Tensor:
        """The vector d = c - e_k [C] float64: A d is the relation's residual vector."""
        d = torch.zeros(len(self.alphabet), dtype=torch.float64)
        for c, letter in self.terms:
            d[letter] += c
        d[self.target] -= 1
        return d

    @property
    def coefficient_sum(self) -> int:
        """1^T d: 0 where no bias can mend the relation (12)."""
        return sum(c for c, _ in self.terms) - 1


def find_relation(A: Tensor, text: str, alphabet: str = ALPHABET) -> Relation:
    """The relation that a text such as `L + F - 2I = E` states, with its residual in the letters A.

    Args:
        A: [m, C].
        text: whole numbers and letters of the alphabet.
        alphabet: the names of the C classes.

    Raises:
        UserError: it is no such text.
    """
    left, equals, right = text.partition("=")
    target, compact = right.strip(), re.sub(r"\s", "", left)
    name = f"[{re.escape(alphabet)}]"
    term = rf"([+-]?)([1-9]\d*)?({name})"
    letters = [letter for _, _, letter in re.findall(term, compact)]
    if not equals or not re.fullmatch(name, target) or not re.fullmatch(rf"{term}([+-]([1-9]\d*)?{name})*", compact):
        every = f"{alphabet[0]}..{alphabet[-1]}"
        raise UserError(f"relation {text!r}: write letters {every} with whole numbers, as in L + F - 2I = E.")
    if len({*letters, target}) <= len(letters):
        raise UserError(f"relation {text!r}: a letter stands in it twice; write each letter once.")
    terms = tuple(
        ((-1 if sign == "-" else 1) * int(number or 1), alphabet.index(letter))
        for sign, number, letter in re.findall(term, compact)
    )
    return measure_relation(A, terms, alphabet.index(target), alphabet)


def measure_relation(A: Tensor, terms: tuple[tuple[int, int], ...], target: int, alphabet: str) -> Relation:
    """The relation with its residual measured on the columns themselves, not on their inner products."""
    A = A.double()
    total = sum((c * A[:, letter] for c, letter in terms), torch.zeros_like(A[:, 0]))
    return Relation(terms, target, float((total - A[:, target]).norm() / A[:, target].norm()), alphabet)


def search(
    A: Tensor,
    count: int = 20,
    sizes: tuple[int, ...] = (2, 3),
    target: str | None = None,
    alphabet: str = ALPHABET,
) -> list[Relation]:
    """The relations of smallest residual among all pairs and triples with coefficients -2, -1, 1, 2 (9).

    Exact: every combination is tried, by |sum c_i a_i - a_k|^2 = c^T G c - 2 c^T g_k + g_kk.

    Args:
        A: [m, C].
        count: the most relations given back.
        sizes: numbers of letters that are combined.
        target: one letter only; None: each of them.
        alphabet: the names of the C classes.

    Returns:
        The best first.
    """
    A = A.double()
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
    """The first of each: E + T - F = I and F + I - T = E say the same, A d ~ 0 for one d up to its sign."""
    first: dict[tuple[int, ...], Relation] = {}
    for r in relations:
        d = r.null_vector.int().tolist()
        first.setdefault(max(tuple(d), tuple(-x for x in d)), r)
    return list(first.values())


def best_combination(A: Tensor, letters: str, target: str, alphabet: str = ALPHABET) -> tuple[Tensor, float]:
    """The real coefficients with which letters come nearest to another one, and the residual that is left.

    Args:
        A: [m, C].
        letters: what is combined, such as `LF`.
        target: the letter to come near to.
        alphabet: the names of the C classes.

    Returns:
        Coefficients [len(letters)], and |sum c_i a_i - a_k| / |a_k|.
    """
    B = A.double()[:, [alphabet.index(letter) for letter in letters]]
    a = A.double()[:, alphabet.index(target)]
    coefficients = torch.linalg.lstsq(B, a[:, None], driver="gelsd").solution[:, 0]
    return coefficients, float((B @ coefficients - a).norm() / a.norm())


def distances_from_others(A: Tensor, alphabet: str = ALPHABET) -> Tensor:
    """How far each letter is from the span of all others, |a_k - projection| / |a_k|: [C]; 0 is an exact relation.

    Equals 1 / sqrt((G^-1)_kk) / |a_k|; taken from least squares, which a singular G does not disturb.

    Args:
        A: [m, C].
        alphabet: the names of the C classes.
    """
    residuals = [best_combination(A, alphabet.replace(k, ""), k, alphabet)[1] for k in alphabet]
    return torch.tensor(residuals, dtype=torch.float64)


def null_relations(A: Tensor, tolerance: float | None = None) -> Tensor:
    """An orthonormal basis of the d with A d = 0: [n, n - rank]; no columns where A has full column rank.

    Args:
        A: [m, n].
        tolerance: singular values below it times the largest count as 0; None: max(m, n) eps in float64.
    """
    _, sigma, vh = torch.linalg.svd(A.double(), full_matrices=A.shape[0] < A.shape[1])
    limit = max(A.shape) * torch.finfo(torch.float64).eps if tolerance is None else tolerance
    return vh[int((sigma > limit * sigma[0]).sum()) :].mT


@dataclass(frozen=True)
class Ranks:
    """What one bias can mend of the relations among the letters (12, 23).

    Attributes:
        letters: rank A.
        with_ones: rank [A; 1^T].
        relations: dimensions of the d with A d = 0: what no linear network without bias can get right.
        binding: the same with 1^T d = 0: what a bias does not mend either; one less, or as many.
    """

    letters: int
    with_ones: int
    relations: int
    binding: int


def ranks(A: Tensor, tolerance: float | None = None) -> Ranks:
    """The ranks of A [m, n] and of [A; 1^T], and the relations that they leave; `tolerance` as in `null_relations`."""
    relations, binding = (null_relations(M, tolerance).shape[1] for M in (A, with_ones(A)))
    return Ranks(A.shape[1] - relations, A.shape[1] - binding, relations, binding)


def find_mending_bias(d: Tensor) -> Tensor | None:
    """The bias b = d / (1^T d) that lets W A d + b 1^T d = d hold where A d = 0 (12); None: the relation binds.

    Args:
        d: [C], such as a relation's `null_vector`.
    """
    total = d.double().sum()
    binds = abs(total) <= 1e-12 * d.double().abs().sum()  # rounding of the sum
    return None if binds else d.double() / total


def collapse(weights: list[Tensor], biases: list[Tensor | None]) -> tuple[Tensor, Tensor]:
    """A chain of linear layers as the one W and b that it is: W = W_q W_h, b = W_q b_h + b_q (27 is 23).

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
