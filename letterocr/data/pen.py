"""Drawing of pen strokes: polylines with a width at every point become 30x30 pictures with soft edges.

Shapes: N letters, P points each; points [N, P, 2] as (x, y) in pixels, radius [N, P] in pixels, down [N, P - 1].
"""

from __future__ import annotations

import torch
from torch import Tensor

from letterocr.data.letters import PIXELS, SIDE

LEVELS = 255  # grey levels; after rounding to them, all machines agree
CHUNK = 64  # letters drawn at a time: their windows stay in the processor's cache


def draw(points: Tensor, radius: Tensor, down: Tensor) -> Tensor:
    """Draw pen strokes; a pixel whose centre is at distance d from the path has the ink r + 1/2 - d, limited to 0..1.

    Across a straight stroke the ink adds up to its width 2r exactly, if r is at least 1/2.

    Args:
        points: [N, P, 2] path of the pen, (x, y) in pixels, (0, 0) is the picture's upper left corner.
        radius: [N, P] half the pen's width at each point, in pixels.
        down: [N, P - 1] whether the pen is on the paper between a point and the next.

    Returns:
        [N, 900] float32, multiples of 1/255.
    """
    images = torch.zeros(len(points), PIXELS)
    # Letters with similar pens share a chunk, since a chunk's window is as large as its widest pen needs.
    for chunk in radius.amax(1).argsort().split(CHUNK):
        images[chunk] = _draw_chunk(points[chunk].float(), radius[chunk].float(), down[chunk])
    return images.mul_(LEVELS).round_().div_(LEVELS)


def _draw_chunk(points: Tensor, radius: Tensor, down: Tensor) -> Tensor:
    """Draw a chunk: each segment darkens a small window of pixels; where windows overlap, the darker ink stays."""
    letter, place = down.nonzero(as_tuple=True)
    start, end = points[letter, place], points[letter, place + 1]  # [M, 2]
    thin, grow = radius[letter, place], radius[letter, place + 1] - radius[letter, place]
    reach = torch.maximum(thin, thin + grow)[:, None] + 0.5
    corner = (torch.minimum(start, end) - reach).floor()
    window = int((torch.maximum(start, end) + reach - corner).amax().ceil()) if len(start) else 1
    window = min(window, SIDE)
    corner = corner.clamp(0, SIDE - window)
    along = end - start
    along_unit = along / along.square().sum(1, keepdim=True).clamp_min(1e-12)
    offset = torch.arange(window)
    off = corner[:, :, None] + (offset + 0.5) - start[:, :, None]  # [M, 2, window]: from the start to pixel centres
    part = off * along_unit[:, :, None]
    t = (part[:, 1, :, None] + part[:, 0, None, :]).clamp_(0, 1)  # [M, window, window], rows first
    dx = torch.addcmul(off[:, 0, None, :], t, along[:, 0, None, None], value=-1)
    dy = torch.addcmul(off[:, 1, :, None], t, along[:, 1, None, None], value=-1)
    distance = dx.square_().addcmul_(dy, dy).sqrt_()
    ink = t.mul_(grow[:, None, None]).add_((thin + 0.5)[:, None, None]).sub_(distance).clamp_(0, 1)
    first = (letter * SIDE + corner[:, 1].long()) * SIDE + corner[:, 0].long()
    index = first[:, None] + (offset[:, None] * SIDE + offset).flatten()
    canvas = torch.zeros(len(points) * PIXELS)
    canvas.scatter_reduce_(0, index.flatten(), ink.flatten(), "amax")
    return canvas.view(-1, PIXELS)
