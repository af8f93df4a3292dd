"""Synthetic handwriting of invented writers: capital letters and digits without a download and without a font.

A writer is a random draw of habits. Each letter that it writes is one of the skeletons, changed by these habits and by
what varies between repetitions, and drawn with a pen. The geometry is float64, and grey levels are rounded to 1/255 at
the end, so that machines agree to within one grey level. What is said of letters holds for digits, which have random
streams of their own: `classes=all` has the letters of `classes=letters` and the digits of `classes=digits`.

Shapes: W writers, N letters, P points and S strokes a letter, K knots of a letter's proportions, C classes.
"""

from __future__ import annotations

import functools
import math
from dataclasses import astuple, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from letterocr.base.randomness import make_generator
from letterocr.base.threads import use_threads
from letterocr.config.data import ALPHABETS, SyntheticConfig
from letterocr.data.letters import ALPHABET, BOX, SIDE, Letters, Split, join_classes
from letterocr.data.letters_file import read_or_draw
from letterocr.data.pen import draw
from letterocr.data.skeletons import POINTS, load_skeletons

STROKES = 4  # S, the largest number of strokes of a form
KNOTS = [(x, y) for x in (-0.35, 0.0, 0.35) for y in (-0.5, 0.0, 0.5)]  # where pulls change proportions
KNOT_WIDTH = 0.4  # how far the pull of a knot reaches, in box heights
WAVES = (1.0, 2.0, 4.0)  # periods of the tremor along a letter
ANOTHER_FORM = 0.15  # probability that a writer takes a form other than its own
WRITER_SHARE = 0.8  # the writer's part of a letter's deviations; the rest varies between repetitions


@dataclass(frozen=True)
class Habit:
    """The distribution of a habit: normal over writers and over a writer's repetitions, limited to low..high.

    Attributes:
        mean: mean over all writers.
        writers: standard deviation between writers.
        repetitions: standard deviation between the repetitions of one writer.
        low: lower limit.
        high: upper limit.
    """

    mean: float
    writers: float
    repetitions: float
    low: float = -math.inf
    high: float = math.inf


HABITS = {  # lengths in box heights
    "slant": Habit(0.07, 0.13, 0.05),  # shift to the right for each unit upwards
    "turn": Habit(0.0, 0.03, 0.03),  # radians
    "width": Habit(0.14, 0.17, 0.08),  # logarithm of the stretch in x
    "pen": Habit(math.log(0.061), 0.42, 0.10, math.log(0.018), math.log(0.12)),  # logarithm of the radius
    "pressure": Habit(0.08, 0.06, 0.03, 0.0, 0.3),  # how much the radius varies along the letter
    "rounding": Habit(0.15, 0.20, 0.05, 0.0, 0.5),  # share of a corner that each smoothing takes away
    "tremor": Habit(0.007, 0.004, 0.002, 0.0, 0.04),
    "overshoot": Habit(0.0, 0.02, 0.01),  # of the ends of a stroke; a negative one leaves a gap
    "proportions": Habit(0.05, 0.02, 0.01, 0.0, 0.12),  # pull of the knots
    "looseness": Habit(0.015, 0.01, 0.005, 0.0, 0.08),  # of each stroke's place, size and direction
}
SMOOTHINGS = 4


@dataclass(frozen=True)
class Writers:
    """Invented writers.

    Attributes:
        habits: [W, len(HABITS)] float64, standard normal.
        taste: [W, C] float64 in 0..1, which chooses the form of each letter.
        proportions: [W, C, K, 2] float64, standard normal, the pulls that change each letter's proportions.
        strokes: [W, C, S, 4] float64, standard normal, changes of each stroke's place (2), size and direction.
        alphabet: the C characters that they write.
    """

    habits: Tensor
    taste: Tensor
    proportions: Tensor
    strokes: Tensor
    alphabet: str

    def __len__(self) -> int:
        return len(self.habits)


def invent(count: int, generator: torch.Generator, alphabet: str = ALPHABET) -> Writers:
    """Draw invented writers.

    Args:
        count: number of writers; a larger number begins with the same ones.
        generator: random stream of the writers.
        alphabet: capital letters, or digits, or both.
    """
    classes = len(alphabet)
    sizes = [(len(HABITS),), (classes, len(KNOTS), 2), (classes, STROKES, 4)]
    widths = [math.prod(size) for size in sizes]
    drawn = _draw_uniform((count, classes + 2 * sum(widths)), generator)
    normal = _make_normal(drawn[:, classes:].view(count, -1, 2))
    habits, proportions, strokes = (
        part.reshape(count, *size) for part, size in zip(normal.split(widths, 1), sizes, strict=True)
    )
    return Writers(habits, drawn[:, :classes], proportions, strokes, alphabet)


def write(writers: Writers, who: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Let writers write letters; each call and each row is a new repetition.

    Args:
        writers: the writers.
        who: [N] int64, the writer of each letter.
        labels: [N] int64, the letters to write, as places in the writers' alphabet.
        generator: draws what varies between repetitions.

    Returns:
        [N, 900] float32 in 0..1, multiples of 1/255; the longer side of the ink is 24 pixels, and the ink is centred.
    """
    count = len(labels)
    forms = load_skeletons(writers.alphabet)
    again = _draw_uniform((count, 2), generator)
    taste = torch.where(again[:, 0] < ANOTHER_FORM, again[:, 1], writers.taste[who, labels])
    form = forms.first[labels] + (taste[:, None] >= forms.chance[labels]).sum(1)
    habit = _habits_now(writers.habits[who], _draw_normal((count, len(HABITS)), generator))
    points, stroke = forms.points[form], forms.stroke[form]
    points = points + _pull(points, habit["proportions"], _mix(writers.proportions[who, labels], generator))
    points = _loosen(points, stroke, habit["looseness"], _mix(writers.strokes[who, labels], generator))
    points = _overshoot(points, stroke, habit["overshoot"], generator)
    points = _round_corners(points, stroke, habit["rounding"])
    waves = _make_waves(_draw_normal((count, 2 * len(WAVES), 3), generator))
    points = points + habit["tremor"][:, None, None] * waves[..., :2]
    points = _lean(points, habit)
    radius = habit["pen"].exp()[:, None] * (1 + habit["pressure"][:, None] * waves[..., 2]).clamp_min(0.5)
    points, radius = _fit(points, radius, stroke)
    return draw(points, radius, (stroke[:, 1:] == stroke[:, :-1]) & (stroke[:, 1:] >= 0))


def load(config: SyntheticConfig) -> Split:
    """Write training and test letters, equally many of each class, by different writers, well mixed.

    Every 26 letters in a row are the whole alphabet (of digits 10, of both 36), so that a network can also learn them
    in the stored order.

    Args:
        config: how many letters of each class and how many repetitions, and the seed of the writers.
    """
    first_test_writer = math.ceil(config.train_per_letter / config.repetitions)
    with use_threads(1):  # for such small steps several would wait for each other, for seconds on shared cores
        train = _write_part("train", config.train_per_letter, config, 0)
        test = _write_part("test", config.test_per_letter, config, first_test_writer)
    return Split(train, test)


def load_once(config: SyntheticConfig) -> Split:
    """Return the letters of `load`, kept in this process and in the user's cache folder: drawing takes seconds.

    Args:
        config: as in `load`.
    """
    return _load_cached(astuple(config))


@functools.lru_cache(maxsize=1)
def _load_cached(fields: tuple[Any, ...]) -> Split:
    return read_or_draw(repr(fields), lambda: load(SyntheticConfig(*fields)))


def _write_part(part: str, per_letter: int, config: SyntheticConfig, first_writer: int) -> Letters:
    """Write the letters, the digits, or both, which are then shuffled in each row."""
    if config.classes != "all":
        return _write_kind(config.classes, part, per_letter, config, first_writer)
    letters, digits = (_write_kind(kind, part, per_letter, config, first_writer) for kind in ("letters", "digits"))
    first, then = (torch.arange(len(kind)).view(per_letter, -1) for kind in (letters, digits))
    rows = torch.cat([first, len(letters) + then], 1)
    order = _draw_uniform(tuple(rows.shape), make_generator(config.seed, "synthetic", part, "order", "all")).argsort(1)
    return join_classes(letters, digits).select(rows.gather(1, order).flatten())


def _write_kind(kind: str, part: str, per_letter: int, config: SyntheticConfig, first_writer: int) -> Letters:
    """Write the letters or the digits of a part."""
    stream = functools.partial(make_generator, config.seed, "synthetic", part)
    own = ["digits"] if kind == "digits" else []
    count = math.ceil(per_letter / config.repetitions)
    writers = invent(count, stream("writers", *own), ALPHABETS[kind])
    if own:  # the writers of the letters write the digits too
        writers = replace(writers, habits=invent(count, stream("writers")).habits)
    order = stream("order", *own)
    size = per_letter, len(writers.alphabet)
    labels = _draw_uniform(size, order).argsort(1)  # each row is the alphabet, shuffled
    turns = _draw_uniform(size, order).argsort(0)  # each column says which writer's turn a letter is
    who = (turns // config.repetitions).gather(1, labels)
    images = write(writers, who.flatten(), labels.flatten(), stream("letters", *own))
    return Letters(images, labels.flatten(), who.flatten() + first_writer, writers.alphabet)


def _draw_uniform(size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(size, generator=generator, dtype=torch.float64)


def _make_normal(pairs: Tensor) -> Tensor:
    """Make normal numbers from pairs of uniform ones (Box, Muller 1958); torch's own depend on the array's size."""
    return (-2 * torch.log1p(-pairs[..., 0])).sqrt() * torch.cos(2 * math.pi * pairs[..., 1])


def _draw_normal(size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return _make_normal(_draw_uniform((*size, 2), generator))


def _mix(own: Tensor, generator: torch.Generator) -> Tensor:
    """Add a writer's own deviation and that of the repetition, so that the sum has standard deviation 1 again."""
    return WRITER_SHARE * own + math.sqrt(1 - WRITER_SHARE**2) * _draw_normal(tuple(own.shape), generator)


def _habits_now(own: Tensor, now: Tensor) -> dict[str, Tensor]:
    """Return each habit [N] as it is in this repetition."""
    return {
        name: (h.mean + h.writers * own[:, i] + h.repetitions * now[:, i]).clamp(h.low, h.high)
        for i, (name, h) in enumerate(HABITS.items())
    }


def _pull(points: Tensor, amount: Tensor, pulls: Tensor) -> Tensor:
    """Compute a smooth displacement [N, P, 2] from pulls [N, K, 2] at the knots: strokes that touch go on touching."""
    knots = torch.tensor(KNOTS, dtype=torch.float64)
    distance = (points[:, :, None] - knots).square().sum(-1)  # [N, P, K]
    return amount[:, None, None] * torch.exp(distance / (-2 * KNOT_WIDTH**2)) @ pulls


def _loosen(points: Tensor, stroke: Tensor, amount: Tensor, odd: Tensor) -> Tensor:
    """Shift, scale and turn each stroke about its own middle; `odd` [N, S, 4] is shift (2), size and turn."""
    member = torch.nn.functional.one_hot(stroke.clamp_min(0), STROKES).double() * (stroke >= 0)[..., None]
    middle = (member.mT @ points) / member.sum(1).clamp_min(1)[..., None]  # [N, S, 2]
    of_point = torch.cat([middle, amount[:, None, None] * odd], 2)
    of_point = of_point.gather(1, stroke.clamp_min(0)[..., None].expand(-1, -1, 6))
    middle, shift, size, turn = of_point.split([2, 2, 1, 1], 2)
    arm = points - middle
    across = torch.stack([-arm[..., 1], arm[..., 0]], -1)
    return middle + shift + (1 + size) * arm + turn * across


def _overshoot(points: Tensor, stroke: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """Lengthen or shorten the strokes along the direction of their ends, each end by its own amount."""
    step = points.diff(dim=1)
    step = step / step.norm(dim=2, keepdim=True).clamp_min(1e-9)
    step = torch.where((stroke[:, 1:] == stroke[:, :-1])[..., None], step, 0)  # [N, P - 1, 2], 0 between strokes
    nothing = torch.zeros_like(points[:, :1])
    into, out_of = torch.cat([nothing, step], 1), torch.cat([step, nothing], 1)
    starts, ends = _find_edges(stroke)
    bits = amount[:, None, None] + 0.02 * _draw_normal((*stroke.shape, 1), generator)
    return points + bits * (torch.where(ends[..., None], into, 0) - torch.where(starts[..., None], out_of, 0))


def _find_edges(stroke: Tensor) -> tuple[Tensor, Tensor]:
    """Return whether each point begins a stroke, and whether it ends one; both [N, P]."""
    change = stroke[:, 1:] != stroke[:, :-1]
    edge = torch.ones_like(change[:, :1])
    return torch.cat([edge, change], 1), torch.cat([change, edge], 1)


def _round_corners(points: Tensor, stroke: Tensor, amount: Tensor) -> Tensor:
    """Move every inner point of a stroke towards the middle of its neighbours, a few times."""
    starts, ends = _find_edges(stroke)
    share = torch.where(starts | ends, 0, amount[:, None])[:, 1:-1, None]
    points = points.clone()
    for _ in range(SMOOTHINGS):
        middle = (points[:, 2:] + points[:, :-2]) / 2
        points[:, 1:-1] += share * (middle - points[:, 1:-1])
    return points


def _make_waves(amplitudes: Tensor) -> Tensor:
    """Make slow waves along a letter [N, P, C] from amplitudes [N, 2 * len(WAVES), C]; faster waves are smaller."""
    along = torch.linspace(0, 2 * math.pi, POINTS, dtype=torch.float64)
    basis = torch.stack([f(along * k) / math.sqrt(k) for k in WAVES for f in (torch.sin, torch.cos)], 1)
    return basis @ amplitudes


def _lean(points: Tensor, habit: dict[str, Tensor]) -> Tensor:
    """Stretch, slant and turn the letter; y points down, so a slant to the right is minus y."""
    x, y = points.unbind(2)
    x = x * habit["width"].exp()[:, None] - habit["slant"][:, None] * y
    cos, sin = habit["turn"].cos()[:, None], habit["turn"].sin()[:, None]
    return torch.stack([cos * x - sin * y, sin * x + cos * y], 2)


def _fit(points: Tensor, radius: Tensor, stroke: Tensor) -> tuple[Tensor, Tensor]:
    """Scale the letter so that the longer side of its ink is BOX pixels, and centre it in the picture."""
    outside = (stroke < 0)[..., None]
    edge = radius[..., None]
    low = (points - edge).masked_fill(outside, math.inf).amin(1, keepdim=True)
    high = (points + edge).masked_fill(outside, -math.inf).amax(1, keepdim=True)
    scale = BOX / (high - low).amax(2, keepdim=True)
    return (points - (low + high) / 2) * scale + SIDE / 2, radius * scale[..., 0]
