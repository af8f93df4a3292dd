// How much a picture is like the letters that were learned: the largest cosine between it and a training letter, both
// softened. A picture below nearly all test letters may be no letter. (`predict` measures strokes, too.)
// Shapes: letters [N, 900] of length 1, row by row.

import { dot, norm } from "play/network";
import { takeLetter } from "play/unpack";

const SIDE = 30;
const KNOWN = 650; // training letters that are compared
const MEASURED = 80; // test letters that give the limit
const BELOW = 1; // of them are below it

// The mean of three neighbours along one direction, `stride` apart; beyond the border is paper.
function average(image, stride) {
  const next = new Float64Array(image.length);
  for (let i = 0; i < image.length; i += 1) {
    const place = Math.floor(i / stride) % SIDE;
    const before = place ? image[i - stride] : 0;
    const after = place < SIDE - 1 ? image[i + stride] : 0;
    next[i] = (before + image[i] + after) / 3;
  }
  return next;
}

// The mean of 3x3 pixels, twice, then length 1.
function soften(letter) {
  let soft = letter;
  for (const stride of [1, SIDE, 1, SIDE]) soft = average(soft, stride);
  const length = norm(soft) || 1;
  return soft.map((value) => value / length);
}

// Letters 0, k, 2k and so on, softened; about `most` of them.
function takeSome(letters, most) {
  const step = Math.max(1, Math.floor(letters.count / most));
  const count = Math.ceil(letters.count / step);
  return Array.from({ length: count }, (_, i) => soften(takeLetter(letters, i * step)));
}

export class Likeness {
  constructor(train, test) {
    this.known = takeSome(train, KNOWN);
    const found = takeSome(test, MEASURED).map((soft) => this.measure(soft));
    this.limit = found.sort((a, b) => a - b)[Math.min(BELOW, found.length - 1)];
  }

  // The largest cosine between a softened letter and those known.
  measure(soft) {
    let most = 0;
    for (const other of this.known) most = Math.max(most, dot(soft, other));
    return most;
  }

  // Whether a picture is less like the learned letters than nearly all test letters are.
  isUnlike(letter) {
    return this.measure(soften(letter)) < this.limit;
  }
}
