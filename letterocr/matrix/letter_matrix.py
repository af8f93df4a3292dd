"""The alphabet matrix A, its left inverse W = (A^T A)^-1 A^T, and the letters that this W misreads (7, 8; Fig. 3).

The two-layer network is a factorization: I = W A. Where A has full column rank, its left inverse of least norm is the
pseudo-inverse A^+ (Moore 1920, Penrose 1955). The normal equations give the same W, but their rounding error grows with
the square of A's condition number (Higham 2002, ch. 20).

Shapes: C classes; A [900, C], with a row of ones [901, C]; W [C, 900] or [C, 901]; letters a [N, 900]; q [N, C].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from letterocr.base.errors import UserError
from letterocr.config.data import ALPHABETS
from letterocr.data.letters import Letters, describe_alphabet


def alphabet_matrix(letters: Letters, writers: int | Sequence[int] | None = None, digits: bool | None = None) -> Tensor:
    """The alphabet matrix A (7): column k is the mean of all letters of class k.

    Args:
        letters: handwriting, N letters.
        writers: one writer or several; None: all writers.
        digits: True: the columns A..Z and 0..9, [900, 36], as (9b) needs; False: A..Z alone, also of letters that
            have digits; None: a column for each class.

    Returns:
        [900, C] float64.

    Raises:
        UserError: a letter is missing, the writers are not known, or there is no such writer; the letters have not
            the classes that `digits` asks for.
    """
    if not isinstance(letters, Letters):
        raise UserError(f"alphabet: {type(letters).__name__} is not a set of letters; give one, such as split.train.")
    if digits is not None:
        letters = _select_classes(letters, ALPHABETS["all" if digits else "letters"], f"digits={digits}")
    if writers is not None:
        letters = letters.select(_find_letters_by(letters, [writers] if isinstance(writers, int) else list(writers)))
    counts, alphabet = letters.count_classes(), letters.alphabet
    missing = [letter for letter, count in zip(alphabet, counts, strict=True) if not count]
    if missing:
        whose = "these letters have" if writers is None else f"writers={writers} wrote"
        every = describe_alphabet(alphabet)
        raise UserError(f"{whose} no {', '.join(missing)}: an alphabet matrix needs every letter {every}.")
    sums = torch.zeros(letters.classes, letters.images.shape[1], dtype=torch.float64)
    sums.index_add_(0, letters.labels, letters.images.double())
    return (sums / counts[:, None]).mT.contiguous()


def _select_classes(letters: Letters, alphabet: str, asked: str) -> Letters:
    """Return the letters of these classes, which are the first ones of their alphabet."""
    if not letters.alphabet.startswith(alphabet):
        have = f"these letters are {describe_alphabet(letters.alphabet)}"
        raise UserError(f"{asked}: {have}; load them with letterocr.letters(..., classes='all').")
    return replace(letters.select(letters.labels < len(alphabet)), alphabet=alphabet)


def _find_letters_by(letters: Letters, writers: list[int]) -> Tensor:
    """Return the places of the letters by these writers."""
    if letters.writers is None:
        raise UserError(f"writers={writers}: the writers of these letters are not known; leave writers out.")
    known = letters.writers.unique().tolist()
    unknown = [w for w in writers if w not in known]
    if unknown:
        raise UserError(f"writers={writers}: there is no writer {unknown[0]}; choose among {_list_shortened(known)}.")
    return torch.nonzero(torch.isin(letters.writers, torch.tensor(writers))).flatten()


def _list_shortened(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers if len(numbers) <= 8 else [*numbers[:6], "...", numbers[-1]]))


def with_ones(A: Tensor) -> Tensor:
    """[A; 1^T], the matrix A with a row of ones: the bias b becomes one more column of W (12).

    Args:
        A: [..., m, n].

    Returns:
        [..., m + 1, n].

    Example:
        >>> with_ones(torch.tensor([[2.0, 3.0]])).tolist()
        [[2.0, 3.0], [1.0, 1.0]]
    """
    return torch.cat([A, torch.ones_like(A[..., :1, :])], -2)


@dataclass(frozen=True)
class LeftInverse:
    """The left inverse W of A, computed in two ways (8).

    Attributes:
        pinv: [C, 900], the pseudo-inverse by the singular values of A.
        normal: [C, 900], (A^T A)^-1 A^T by a Cholesky factor of A^T A; None where A^T A is singular in float64.
        rank: numerical rank of A; a left inverse needs rank C.
        condition: condition number sigma_1 / sigma_C of A.
        gram_condition: condition number of A^T A, the square of that of A.
        pinv_error: the largest entry of |W A - I| for `pinv`.
        normal_error: the same for `normal`; infinite where it is None.
    """

    pinv: Tensor
    normal: Tensor | None
    rank: int
    condition: float
    gram_condition: float
    pinv_error: float
    normal_error: float


def left_inverse(A: Tensor) -> LeftInverse:
    """The left inverse W = (A^T A)^-1 A^T with W A = I (8), by the singular values and by the normal equations.

    Args:
        A: [m, n], m >= n.

    Example:
        >>> inverse = left_inverse(torch.tensor([[2.0, 0.0], [0.0, 4.0], [0.0, 0.0]]))
        >>> inverse.normal.tolist(), inverse.rank
        ([[0.5, 0.0, 0.0], [0.0, 0.25, 0.0]], 2)
    """
    A = A.double()
    eye = torch.eye(A.shape[1], dtype=torch.float64)
    pinv = torch.linalg.pinv(A)
    gram = A.mT @ A
    factor, singular = torch.linalg.cholesky_ex(gram)
    normal = None if singular else torch.cholesky_solve(A.mT, factor)
    values = torch.linalg.svdvals(A)
    condition = float(values[0] / values[-1])
    return LeftInverse(
        pinv,
        normal,
        int(torch.linalg.matrix_rank(A)),
        condition,
        condition**2,
        float((pinv @ A - eye).abs().max()),
        float("inf") if normal is None else float((normal @ A - eye).abs().max()),
    )


@dataclass(frozen=True)
class Confusion:
    """One kind of misreading: a letter that is read as another one.

    Attributes:
        truth: the letter that was written.
        read: the letter that was read.
        count: how often this happens.
        examples: [count] places among the letters, the clearest misreading first (largest q_read - q_truth).
    """

    truth: str
    read: str
    count: int
    examples: Tensor


@dataclass(frozen=True)
class LinearReading:
    """The result of reading letters with a linear network (2; Fig. 3).

    Attributes:
        outputs: q [N, C].
        truth: [N], the correct classes.
        read: [N], the class of the largest output.
        confusions: every kind of misreading, the most frequent first, then in the order of the alphabet.
        alphabet: the names of the C classes.
    """

    outputs: Tensor
    truth: Tensor
    read: Tensor
    confusions: list[Confusion]
    alphabet: str

    @property
    def error(self) -> float:
        """The error: the share of letters that are misread."""
        return float((self.read != self.truth).double().mean())

    def confusion(self, truth: str, read: str) -> Confusion | None:
        """Find the misreadings of `truth` as `read`; None if there are none."""
        return next((c for c in self.confusions if (c.truth, c.read) == (truth, read)), None)

    def spikes(self, place: int, share: float = 0.5) -> str:
        """Return the letters whose output is at least a given share of the largest output, the largest first.

        The misread E of Fig. 3 has several.

        Args:
            place: place of the letter that was read, 0 to N - 1.
            share: the least share, in 0..1.
        """
        q = self.outputs[place]
        order = q.argsort(descending=True, stable=True).tolist()
        return "".join(self.alphabet[k] for k in order if q[k] >= share * q[order[0]] and q[k] > 0)


def read_letters(W: Tensor, letters: Letters, bias: Tensor | None = None) -> LinearReading:
    """Read letters by q = W a + b: the largest output is the letter (2, 12). Then count the misreadings.

    Args:
        W: [C, 900], or [C, 901] with the bias as its last column.
        letters: N handwritten letters.
        bias: [C], or None.
    """
    a = letters.images.double().mT
    if W.shape[1] == a.shape[0] + 1:
        a = with_ones(a)
    outputs = (W.double() @ a).mT
    if bias is not None:
        outputs = outputs + bias.double()
    read, truth = outputs.argmax(1), letters.labels
    pairs = Counter((int(t), int(r)) for t, r in zip(truth, read, strict=True) if t != r)
    confusions = []
    for (t, r), count in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0])):
        places = torch.nonzero((truth == t) & (read == r)).flatten()
        lead = outputs[places, r] - outputs[places, t]
        examples = places[lead.argsort(descending=True, stable=True)]
        confusions.append(Confusion(letters.alphabet[t], letters.alphabet[r], count, examples))
    return LinearReading(outputs, truth, read, confusions, letters.alphabet)
