// The test letters, whose first pre-activations follow every step: a step of rank one moves them by a vector each.
// Shapes: T letters; first [T, out] the pre-activations W_1 x + b_1 of every letter, row by row.

import { dotPlaces, listNonzero, squash } from "play/network";
import { takeLetter } from "play/unpack";

const BATCH = 8; // letters that meet a row of weights together, so that each row is fetched once for all of them

// W h + b for BATCH vectors h: H [in, BATCH] and the result [out, BATCH], row by row.
function multiplyBatch(weight, bias, H, rows) {
  const columns = H.length / BATCH;
  const X = new Float64Array(rows * BATCH);
  for (let i = 0; i < rows; i += 1) {
    const start = i * columns;
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0]; // sums that a processor adds at the same time
    for (let j = 0, p = 0; j < columns; j += 1, p += BATCH) {
      const w = weight[start + j];
      s0 += w * H[p];
      s1 += w * H[p + 1];
      s2 += w * H[p + 2];
      s3 += w * H[p + 3];
      s4 += w * H[p + 4];
      s5 += w * H[p + 5];
      s6 += w * H[p + 6];
      s7 += w * H[p + 7];
    }
    const b = bias ? bias[i] : 0;
    X.set([s0 + b, s1 + b, s2 + b, s3 + b, s4 + b, s5 + b, s6 + b, s7 + b], i * BATCH);
  }
  return X;
}

export class Follower {
  constructor(letters, network) {
    Object.assign(this, { letters, network, width: network.sizes[1] });
    this.first = new Float32Array(letters.count * this.width);
    this.inked = Array.from({ length: letters.count }, (_, t) => {
      const values = takeLetter(letters, t);
      const places = listNonzero(values);
      return { places, values: Float64Array.from(places, (j) => values[j]) };
    });
    const [weight, bias, columns] = [network.weights[0], network.biases[0], network.sizes[0]];
    for (let i = 0; i < this.width; i += 1) { // a row of weights meets all letters before the next row
      for (let t = 0; t < letters.count; t += 1) {
        const { places, values } = this.inked[t];
        this.first[t * this.width + i] = (bias ? bias[i] : 0) + dotPlaces(weight, i * columns, places, values);
      }
    }
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

  // The misread letters among up to BATCH letters from `start` on. Their first pre-activations are known.
  countBatch(start) {
    const { network, width, letters } = this;
    const size = Math.min(BATCH, letters.count - start);
    let X = new Float64Array(width * BATCH);
    for (let t = 0; t < size; t += 1) {
      for (let i = 0; i < width; i += 1) X[i * BATCH + t] = this.first[(start + t) * width + i];
    }
    squash(X, network.temperature);
    for (let k = 1; k < network.weights.length; k += 1) {
      X = squash(multiplyBatch(network.weights[k], network.biases[k], X, network.sizes[k + 1]), network.temperature);
    }
    let misread = 0;
    for (let t = 0; t < size; t += 1) {
      let best = 0;
      for (let c = 1; c < X.length / BATCH; c += 1) if (X[c * BATCH + t] > X[best * BATCH + t]) best = c;
      misread += Number(best !== letters.labels[start + t]);
    }
    return misread;
  }

  // Count the misread letters, batch by batch: yields {misread, read} after each.
  *count() {
    let misread = 0;
    for (let start = 0; start < this.letters.count; start += BATCH) {
      misread += this.countBatch(start);
      yield { misread, read: Math.min(start + BATCH, this.letters.count) };
    }
  }

  countMisread() {
    let misread = 0;
    for (const now of this.count()) misread = now.misread;
    return misread;
  }
}
