"""Skeletons of the synthetic letters: hand-written strokes, several everyday forms of every letter.

Those of the digits are in `digit_skeletons`.

A form is written `weight: path`. The weight says how common the form is among the forms of its letter. The path uses
the absolute commands of SVG in a box that is 100 high, with y downwards:

    M x y                  the pen goes down here: a new stroke
    L x y                  a straight line to here
    Q x1 y1 x y            a quadratic Bezier curve to (x, y)
    C x1 y1 x2 y2 x y      a cubic Bezier curve to (x, y)

Shapes: F forms, P points a form; points [F, P, 2] with (x, y) in box heights and (0, 0) at the form's middle.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from dataclasses import dataclass

import torch
from torch import Tensor

from letterocr.data.digit_skeletons import DIGIT_FORMS

POINTS = 64  # points a form; the longest stroke then has a point about every 1.5 pixels
FINE = 16  # chords that measure the length of a curve

FORMS = {
    "A": """4: M35 0L0 100M35 0L70 100M12 62L58 62        3: M0 100L35 0L70 100M13 66L57 66
            1: M4 100C0 30 20 0 38 0C62 0 66 40 66 100M4 58L66 58
            2: M0 100L42 0L64 100M12 64L66 60            1: M0 100Q24 50 48 0L60 100L14 62L72 56
            1.5: M4 98C10 40 30 0 44 2C60 6 56 60 60 100M-4 66L74 56""",
    "B": """3: M0 0L0 100M0 0L34 0C66 0 66 46 34 46L0 46M34 46C76 46 76 100 34 100L0 100
            3: M0 100L0 0C76 -10 70 46 8 47C88 44 80 106 0 100
            2: M6 4L6 100M-8 4C80 -12 66 48 12 48C90 48 75 110 -6 98
            2: M0 5L0 98M10 2C70 -4 60 48 16 48C80 46 72 106 6 98
            1: M0 6L4 100M-8 8C66 -16 62 36 22 46C76 44 66 104 4 100
            2: M4 0L0 100M4 0C54 0 54 40 8 42C78 44 72 100 0 100
            1.5: M14 4L0 96M2 16C40 -14 84 12 20 46C76 40 80 98 -8 100""",
    "C": """4: M66 16C50 -8 0 -4 0 50C0 104 50 108 68 84   3: M60 4C20 -8 0 30 0 55C0 95 35 110 66 90
            1: M64 26L62 6C30 -10 0 20 0 54C0 100 40 108 66 86
            2: M44 0C2 10 -14 88 20 98C40 102 55 96 64 88 1: M54 6C30 -6 6 6 2 30L0 70C2 104 40 104 62 92
            1.5: M56 20Q62 0 40 2C0 16 -14 96 30 98Q50 98 72 84    1: M64 8C20 -10 -10 40 4 72C16 104 60 100 84 80""",
    "D": """3: M0 0L0 100M0 0C86 0 86 100 0 100           3: M0 0L0 100M0 0L24 0C76 4 76 96 24 100L0 100
            2: M12 0L12 100M0 2C90 -6 90 104 0 98        2: M4 98L0 0C90 4 90 100 -6 100
            2: M0 6L0 96M8 0C80 0 80 100 4 100           1: M0 4Q4 50 0 98C70 96 96 10 4 2L-8 6
            1: M10 0Q8 50 0 98M-6 10C60 -14 110 60 0 98""",
    "E": """4: M60 0L0 0L0 100L60 100M0 48L50 48          4: M0 0L0 100M0 0L60 0M0 50L50 50M0 100L62 100
            2: M0 0L0 98L60 98M0 2L58 0M0 50L50 48       2: M58 4C10 -4 0 30 0 55C0 100 35 104 60 94M2 50L48 48
            1: M60 10C20 -12 0 14 6 34C10 46 25 48 34 48C10 48 0 60 0 76C0 104 45 106 62 88
            1.5: M56 2L10 4Q4 50 0 98L52 94M6 50L42 46    1: M60 12Q30 -8 14 12Q8 34 34 44Q4 50 0 74Q4 106 64 86""",
    "F": """4: M0 0L0 100M0 0L62 0M0 46L50 46             3: M62 0L0 0L0 100M0 48L48 48
            1: M64 2Q30 8 6 0Q10 50 0 100M-8 50L50 46    1: M6 0L2 100M-8 4L62 0M-14 52L46 48""",
    "G": """3: M64 18C50 -8 0 -6 0 50C0 104 60 108 64 58L36 58
            2: M62 14C45 -8 0 -2 0 52C0 106 62 106 62 60M34 58L76 58
            2: M60 10C30 -10 0 20 0 55C0 105 55 105 60 60L35 60M60 58L60 102
            2: M56 4C20 10 0 40 0 66C0 108 60 108 60 76C60 52 30 56 22 68
            2: M60 8C25 -8 0 25 0 58C0 100 40 104 58 84C64 76 62 62 60 58L28 62
            1: M50 0C14 10 0 40 0 64C0 106 50 104 56 62L26 64L70 60""",
    "H": """5: M0 0L0 100M62 0L62 100M0 50L62 50          2: M4 0L0 100M2 55Q30 48 62 50M66 0Q60 50 62 100
            1: M0 4L0 100M50 0L54 100M-4 56L60 46        1: M0 0L0 100L0 54L58 48L58 0L58 100
            1: M8 0Q2 50 0 100M0 62Q30 46 60 44M64 0Q54 60 58 100""",
    "I": """6: M28 0L28 100M0 0L56 0M0 100L56 100         2: M0 2L50 0M26 0Q22 50 26 100M-2 100L52 98
            2: M17 0L17 100M0 0L34 0M0 100L34 100        2: M0 0L0 100
            1: M36 0L36 100M0 4L70 0M0 100L74 98""",
    "J": """3: M40 0L40 70C40 104 4 106 0 74M10 0L72 0    3: M36 0L36 76Q34 100 18 100L0 90M0 0L70 0
            2: M44 0L44 70C44 104 4 106 0 72             1: M8 0L46 0L46 70C46 104 6 106 0 78
            2: M50 0Q46 40 44 74C42 104 8 106 0 82M20 2L76 0
            1: M30 0L30 80C30 104 4 104 0 84M6 2L58 0
            1: M30 4L84 0M56 2Q56 60 44 84Q24 108 0 90               1: M56 2Q50 60 40 82Q24 108 0 86""",
    "K": """3: M0 0L0 100M58 0L0 56M16 42L62 100          3: M0 0L0 100M58 2L4 52L60 100
            2: M2 0L0 100M56 0Q40 36 6 54Q36 56 62 100   2: M0 0L0 100M60 8L14 50L58 98
            1: M0 0L0 100M48 28L0 66L54 100""",
    "L": """5: M0 0L0 100L58 100                          2: M2 0Q-2 60 0 100Q30 98 60 96
            2: M0 0L0 100L42 100                         2: M12 0Q4 60 0 96Q30 92 64 100
            .5: M8 66C60 40 56 -16 34 6C14 40 26 92 4 98C-4 90 14 82 64 100
            1: M22 0Q10 60 0 94Q-2 100 12 96L72 92""",
    "M": """4: M0 100L0 0L38 70L76 0L76 100               3: M0 100L4 0L38 100L72 0L76 100
            3: M0 100L14 0L38 64L62 0L78 100             2: M0 0L0 100M0 0L38 58L76 0L76 100
            1: M0 100L4 6M6 100C6 -20 52 -20 50 40L50 100C50 -20 100 -20 100 40L102 100
            1: M0 100Q10 40 14 0Q26 40 38 92Q52 40 64 4Q66 60 80 100""",
    "N": """5: M0 100L0 0L58 100L58 0                     2: M0 0L0 100M0 0L58 100M58 100L58 0
            2: M0 100L12 0L52 100L66 0                   1: M0 100Q8 50 6 0Q30 50 50 100Q56 50 70 0
            .5: M0 100L2 2M2 36C10 -8 56 -12 56 36L56 100
            1: M0 100Q12 60 18 4Q30 60 46 96Q60 40 84 0               1: M0 100L16 4L54 96L78 0""",
    "O": """3: M34 0C-12 0 -12 100 34 100C80 100 80 0 34 0
            3: M40 4C-10 -10 -14 96 30 100C84 102 76 -2 30 2
            2: M26 2C-14 20 -10 104 36 100C82 96 70 -6 34 0
            2: M46 0C-16 0 -16 100 46 100C108 100 108 0 46 0
            3: M44 2C-14 0 -14 98 46 100C104 98 100 0 36 4    1: M52 6C10 -10 -20 70 14 94C50 110 100 40 52 4""",
    "P": """3: M0 0L0 100M0 0L30 0C72 0 72 54 30 54L0 54  3: M0 100L0 4C76 -14 70 60 2 54
            2: M6 4L4 100M-8 8C70 -18 74 60 8 52         2: M0 0L0 100M0 0C60 -4 60 46 0 44
            1: M0 6L0 100M-6 4C74 -14 66 62 10 60
            1.5: M14 4L0 100M0 22C30 -18 84 0 60 36Q46 54 12 56""",
    "Q": """3: M32 0C-12 0 -12 92 32 92C76 92 76 0 32 0M40 64L70 100
            2: M32 0C-12 0 -12 96 32 96C76 96 76 0 32 0M30 72Q46 70 72 102
            2: M40 4C-10 -10 -14 96 30 96C84 98 76 -2 30 2M50 74L72 98
            2: M34 0C-12 0 -12 90 34 90C80 90 80 0 34 0M34 60L58 104
            1: M12 84C-20 30 0 0 32 0C76 0 70 80 40 92C30 96 16 86 24 78C40 74 50 100 74 98
            1: M40 4C-14 0 -14 92 36 92C94 92 94 6 40 4M34 58Q60 86 88 98
            1: M38 2C-12 4 -12 92 36 92C90 90 84 0 38 2M26 78Q50 70 86 96""",
    "R": """3: M0 0L0 100M0 0L30 0C70 0 70 50 30 50L0 50M26 50L60 100
            3: M0 100L0 2C76 -14 68 54 6 50L60 100       2: M6 4L2 100M-8 8C72 -18 66 50 10 50Q40 66 62 100
            2: M0 0L0 100M0 0C66 -4 64 44 8 48Q40 54 58 100
            1: M0 4L0 100M-6 6C70 -12 60 44 14 56L64 98
            1.5: M14 4L0 100M4 16C40 -20 84 10 50 40Q30 54 14 56L70 94
            1: M10 6Q6 50 0 100M-6 20C20 -20 80 0 60 34Q44 50 12 54Q40 70 66 98""",
    "S": """3: M60 14C50 -8 0 -6 4 26C8 50 58 46 60 74C62 106 8 106 0 84
            3: M56 6C20 -10 -6 20 12 40C24 52 60 56 52 84C44 106 10 104 0 92
            2: M56 2Q10 0 8 24Q8 40 30 50Q56 60 50 82Q44 100 0 98
            1: M48 10C36 -6 0 0 4 24C8 46 48 54 46 78C44 104 4 104 0 86
            2: M70 6C40 -8 8 6 20 34C30 54 56 60 50 82C44 102 14 102 0 92
            1: M64 0Q20 0 18 26Q20 42 38 54Q52 68 44 84Q30 102 0 96""",
    "T": """5: M0 0L68 0M34 0L34 100                      2: M0 4L70 0M38 2Q34 50 32 100
            1: M0 2L52 0M26 0L26 100                     1: M0 12L60 8M32 0L30 100""",
    "U": """4: M0 0L0 62C0 112 60 112 60 62L60 0          2: M0 0C-2 60 0 96 26 98C52 98 58 50 58 0L60 100
            2: M0 0Q2 96 28 98Q56 100 60 0               1: M0 4Q-4 98 24 98Q50 96 58 4Q54 96 76 96
            1: M0 6Q-6 90 18 96Q40 94 52 6Q44 100 58 100Q70 98 80 84""",
    "V": """5: M0 0L33 100L66 0                           2: M0 4Q16 40 30 100Q44 40 70 0
            1: M0 0Q18 98 28 99Q40 98 64 0               1: M0 10Q12 -6 18 20L32 100L60 8Q66 0 76 4
            1: M0 4Q16 0 27 98Q50 20 84 0""",
    "W": """4: M0 0L22 100L44 20L66 100L88 0              3: M0 0L22 100L44 0L66 100L88 0
            2: M0 0L18 100L44 50L68 100L86 0             1: M0 0C0 110 40 130 44 30C48 130 90 110 88 0
            1: M0 0Q8 96 24 98Q40 96 48 30Q52 98 70 98Q88 96 100 0""",
    "X": """5: M0 0L62 100M62 0L0 100                     2: M0 4Q30 40 64 100M60 0Q36 50 0 98
            1: M8 0L54 100M74 4L0 96                     .5: M0 0C40 10 40 90 0 100M70 0C30 10 30 90 70 100
            1: M0 10Q10 -4 24 20L56 90Q64 104 78 88M76 0L4 100       1: M8 4L64 98M84 0L0 100""",
    "Y": """4: M0 0L32 46M64 0L32 46L32 100               3: M0 0L30 50M62 0L12 100
            2: M0 0L34 50L68 0M34 50L34 100              2: M0 0Q4 48 30 48Q54 46 60 0M60 0Q58 60 44 100
            1: M0 0Q4 46 28 46Q52 44 58 0Q60 92 36 99Q10 100 6 84
            1: M0 0L34 48M76 0Q40 50 4 100""",
    "Z": """5: M0 0L62 0L0 100L64 100                     3: M0 0L60 0L0 100L64 100M10 50L52 50
            2: M0 8Q30 -4 60 4Q30 50 0 98Q30 90 66 98
            .5: M2 8Q50 -10 54 10Q50 30 10 46Q60 40 50 76Q40 104 0 96
            1.5: M6 4Q30 8 66 2Q40 40 0 94Q40 98 80 88""",
}

Point = tuple[float, float]
Curve = tuple[Point, Point, Point, Point]


@dataclass(frozen=True)
class Skeletons:
    """Every form of every letter of an alphabet, C letters, as points along its strokes.

    Attributes:
        points: [F, P, 2] float64, (x, y) in box heights, the form's middle at (0, 0).
        stroke: [F, P] int64, the stroke that each point belongs to; -1 after the last stroke.
        chance: [C, M] float64, cumulative probabilities of each letter's forms; M is the largest number of forms.
        first: [C] int64, index of each letter's first form.
    """

    points: Tensor
    stroke: Tensor
    chance: Tensor
    first: Tensor


def parse(path: str) -> list[list[Curve]]:
    """Parse a path into strokes, each a chain of cubic Bezier curves (straight lines too), in the units of the path.

    Args:
        path: commands M, L, Q and C, as above.

    Raises:
        ValueError: the path has another command, or a command has the wrong number of coordinates.
    """
    strokes: list[list[Curve]] = []
    here: Point = (0.0, 0.0)
    for command, numbers in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        values = [float(v) for v in numbers.split()]
        if len(values) != {"M": 2, "L": 2, "Q": 4, "C": 6}.get(command):
            raise ValueError(f"{command}{numbers} is no part of a skeleton: M and L take 2 numbers, Q 4, C 6")
        points = list(zip(values[::2], values[1::2], strict=True))
        if command == "M":
            strokes.append([])
        elif command == "L":
            strokes[-1].append(
                (here, _interpolate(here, points[0], 1 / 3), _interpolate(here, points[0], 2 / 3), points[0])
            )
        elif command == "Q":
            middle, end = points
            strokes[-1].append((here, _interpolate(here, middle, 2 / 3), _interpolate(end, middle, 2 / 3), end))
        else:
            strokes[-1].append((here, points[0], points[1], points[2]))
        here = points[-1]
    return strokes


def _interpolate(a: Point, b: Point, t: float) -> Point:
    return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])


def _evaluate(curve: Curve, t: float) -> Point:
    """Compute the point of a Bezier curve at t, by de Casteljau's repeated interpolation."""
    points = list(curve)
    while len(points) > 1:
        points = [_interpolate(a, b, t) for a, b in itertools.pairwise(points)]
    return points[0]


def _measure_length(curve: Curve) -> float:
    chords = [_evaluate(curve, i / FINE) for i in range(FINE + 1)]
    return sum(math.dist(a, b) for a, b in itertools.pairwise(chords))


def sample(path: str) -> tuple[list[Point], list[int]]:
    """Sample POINTS points along the strokes, nearly evenly spaced, with every corner among them.

    Args:
        path: the strokes, as `parse` reads them.

    Returns:
        The points (x, y) in box heights with the form's middle at (0, 0), and the stroke of each point (-1: none).
    """
    strokes = parse(path)
    lengths = [[_measure_length(curve) for curve in stroke] for stroke in strokes]
    total = sum(map(sum, lengths))
    # Each stroke has one point more than it has steps, and each curve has at least one step.
    steps_in_all = POINTS - len(strokes) - sum(map(len, strokes))
    points: list[Point] = []
    owner: list[int] = []
    for number, (stroke, sizes) in enumerate(zip(strokes, lengths, strict=True)):
        placed = [stroke[0][0]]
        for curve, size in zip(stroke, sizes, strict=True):
            steps = 1 + int(steps_in_all * size / total)
            placed += [_evaluate(curve, i / steps) for i in range(1, steps + 1)]
        points += placed
        owner += [number] * len(placed)
    left = min(x for x, _ in points)
    middle = (left + max(x for x, _ in points)) / 2
    points = [((x - middle) / 100, y / 100 - 0.5) for x, y in points]
    spare = POINTS - len(points)
    return points + [points[-1]] * spare, owner + [-1] * spare


@functools.cache
def load_skeletons(alphabet: str) -> Skeletons:
    """Return the forms of an alphabet, sampled; they are computed once, and later calls return the same object.

    Args:
        alphabet: capital letters and digits.
    """
    texts = [(FORMS | DIGIT_FORMS)[name] for name in alphabet]
    forms = [re.findall(r"([\d.]+): ([^:]+?)(?=\s+[\d.]+:|$)", text) for text in texts]
    sampled = [sample(path) for letter in forms for _, path in letter]
    most = max(map(len, forms))
    weight = torch.tensor([[float(w) for w, _ in f] + [0.0] * (most - len(f)) for f in forms], dtype=torch.float64)
    counts = torch.tensor([len(f) for f in forms])
    return Skeletons(
        points=torch.tensor([p for p, _ in sampled], dtype=torch.float64),
        stroke=torch.tensor([s for _, s in sampled]),
        chance=weight.cumsum(1) / weight.sum(1, keepdim=True),
        first=counts.cumsum(0) - counts,
    )
