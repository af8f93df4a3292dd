// How much a picture is like the letters that were learned: the largest cosine between it and a training letter, both
// softened. A picture below nearly all test letters may be no letter. (`predict` measures strokes, too.)
// Shapes: letters [N, 900] of length 1, row by row.

import { dot, norm } from "play/network";
import { takeLetter } from "play/unpack";

const SIDE = 30;
const MEASURED = 100; // test letters that give the limit
const BELOW = 2; // of them are below it

// The mean of 3x3 pixels, twice, then length 1.
function soften(letter) {
  let soft = letter;
  for (let round = 0; round < 2; round += 1) {
    const next = new Float64Array(SIDE * SIDE);
    for (let y = 0; y < SIDE; y += 1) {
      for (let x = 0; x < SIDE; x += 1) {
        let sum = 0;
        for (let v = Math.max(0, y - 1); v <= Math.min(SIDE - 1, y + 1); v += 1) {
          for (let u = Math.max(0, x - 1); u <= Math.min(SIDE - 1, x + 1); u += 1) sum += soft[v * SIDE + u];
        }
        next[y * SIDE + x] = sum / 9;
      }
    }
    soft = next;
  }
  const length = norm(soft) || 1;
  return soft.map((value) => value / length);
}

export class Likeness {
  constructor(train, test) {
    this.known = Array.from({ length: train.count }, (_, i) => soften(takeLetter(train, i)));
    const step = Math.max(1, Math.floor(test.count / MEASURED));
    const found = [];
    for (let i = 0; i < test.count; i += step) found.push(this.measure(takeLetter(test, i)));
    this.limit = found.sort((a, b) => a - b)[Math.min(BELOW, found.length - 1)];
  }

  measure(letter) {
    const soft = soften(letter);
    return this.known.reduce((most, other) => Math.max(most, dot(soft, other)), 0);
  }

  // Whether a picture is less like the learned letters than nearly all test letters are.
  isUnlike(letter) {
    return this.measure(letter) < this.limit;
  }
}
