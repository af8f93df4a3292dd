// The test letters, whose first pre-activations follow every step: a step of rank one moves them by a vector each.
// Shapes: T letters; first [T, out] the pre-activations W_1 x + b_1 of every letter, row by row.

import { dotPlaces, forward, listNonzero, squash } from "play/network";
import { takeLetter } from "play/unpack";

const AT_ONCE = 100; // milliseconds of work, after which the page may do something else

export class Follower {
  constructor(letters, network) {
    Object.assign(this, { letters, network, done: 0, width: network.sizes[1] });
    this.first = new Float32Array(letters.count * this.width);
    this.inked = Array.from({ length: letters.count }, (_, t) => {
      const values = takeLetter(letters, t);
      const places = listNonzero(values);
      return { places, values: Float64Array.from(places, (j) => values[j]) };
    });
  }

  // Compute the pre-activations of units `from` and on, until the time is over; return the unit where it ended. A row
  // of weights meets all letters before the next row, so that each row is fetched once.
  fillFrom(from, until = Infinity) {
    const { network, width } = this;
    const [weight, bias, columns] = [network.weights[0], network.biases[0], network.sizes[0]];
    let i = from;
    for (; i < width && performance.now() < until; i += 1) {
      for (let t = 0; t < this.letters.count; t += 1) {
        const { places, values } = this.inked[t];
        this.first[t * width + i] = (bias ? bias[i] : 0) + dotPlaces(weight, i * columns, places, values);
      }
    }
    return i;
  }

  // W_1 took the step -alpha v a^T and b_1 the step -alpha v: every letter x moves by -alpha (a . x + 1) v.
  follow(a, v, alpha) {
    const { first, width } = this;
    const bias = this.network.biases[0] ? 1 : 0;
    for (let t = 0; t < this.letters.count; t += 1) {
      const { places, values } = this.inked[t];
      let product = bias;
      for (let p = 0; p < places.length; p += 1) product += values[p] * a[places[p]];
      const factor = alpha * product;
      const start = t * width;
      for (let i = 0; i < width; i += 1) first[start + i] -= factor * v[i];
    }
  }

  // Whether letter t is misread.
  isMisread(t) {
    const { network, width, letters } = this;
    const x = new Float64Array(this.first.subarray(t * width, (t + 1) * width));
    const q = forward(network, [null, squash(x, network.temperature)]).at(-1);
    let best = 0;
    for (let c = 1; c < q.length; c += 1) if (q[c] > q[best]) best = c;
    return best !== letters.labels[t];
  }

  countMisread() {
    let misread = 0;
    for (let t = 0; t < this.letters.count; t += 1) misread += this.isMisread(t);
    return misread;
  }

  // Count in slices, so that the page stays alive. `told(misread, read)` is called after each; it returns whether to
  // go on. Networks of one or two matrices take one or a few slices, those of three take a second or two.
  async count(told) {
    let misread = 0;
    for (let t = 0; t < this.letters.count; ) {
      const until = performance.now() + AT_ONCE;
      for (; t < this.letters.count && performance.now() < until; t += 1) misread += this.isMisread(t);
      if (!told(misread, t) || t === this.letters.count) return;
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
}
