// The chain of weight matrices: forward pass (2, 12, 16), error vectors by the rules (17-19), one step (20).
// Shapes: weights[k] Float32Array [out, in] row by row, biases[k] Float32Array [out] or null;
//   activations: L + 1 vectors, pixels a first and outputs q last; vectors v: L vectors [out], first matrix first.

import { unpack, unpackWeights } from "play/unpack";

// A network {sizes, temperature, weights, biases}; a temperature of null makes s the identity.
export async function unpackNetwork(packed) {
  const { sizes, temperature } = packed;
  const weights = await Promise.all(packed.weights.map(unpackWeights));
  const biases = await Promise.all(packed.biases.map((bias) => bias && unpack(bias)));
  return { sizes, temperature, weights, biases };
}

export function copyNetwork(network) {
  const copy = (array) => array && array.slice();
  return { ...network, weights: network.weights.map(copy), biases: network.biases.map(copy) };
}

// W h + b. Where most of h is 0, as in a letter, only the other columns are visited.
export function multiply(weight, bias, h, rows) {
  const columns = h.length;
  const x = new Float64Array(rows);
  const places = listNonzero(h);
  const sparse = places.length < columns / 2;
  const values = sparse ? Float64Array.from(places, (j) => h[j]) : null;
  for (let i = 0; i < rows; i += 1) {
    const start = i * columns;
    x[i] = (bias ? bias[i] : 0) + (sparse ? dotPlaces(weight, start, places, values) : dotRow(weight, start, h));
  }
  return x;
}

// The product of one row of a matrix and a vector with these values at these places.
export function dotPlaces(weight, start, places, values) {
  let a = 0;
  let b = 0;
  let p = 0;
  for (; p + 1 < places.length; p += 2) {
    a += weight[start + places[p]] * values[p];
    b += weight[start + places[p + 1]] * values[p + 1];
  }
  if (p < places.length) a += weight[start + places[p]] * values[p];
  return a + b;
}

// The product of one row of a matrix and h, in four sums, which a processor adds at the same time.
function dotRow(weight, start, h) {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let j = 0;
  for (; j + 3 < h.length; j += 4) {
    a += weight[start + j] * h[j];
    b += weight[start + j + 1] * h[j + 1];
    c += weight[start + j + 2] * h[j + 2];
    d += weight[start + j + 3] * h[j + 3];
  }
  for (; j < h.length; j += 1) a += weight[start + j] * h[j];
  return a + b + (c + d);
}

export function listNonzero(h) {
  const places = new Uint16Array(h.length);
  let count = 0;
  for (let j = 0; j < h.length; j += 1) if (h[j] !== 0) places[count++] = j;
  return places.subarray(0, count);
}

// W^T v.
export function multiplyBack(weight, v, columns) {
  const back = new Float64Array(columns);
  for (let i = 0; i < v.length; i += 1) {
    const start = i * columns;
    const factor = v[i];
    if (factor !== 0) for (let j = 0; j < columns; j += 1) back[j] += factor * weight[start + j];
  }
  return back;
}

// s(x) = 1 / (1 + exp(-x/T)) (15), in place.
export function squash(x, temperature) {
  if (temperature === null) return x;
  for (let i = 0; i < x.length; i += 1) x[i] = 1 / (1 + Math.exp(-x[i] / temperature));
  return x;
}

// s'(x) = h (1 - h) / T where s(x) = h.
export function slope(h, temperature) {
  return temperature === null ? h.map(() => 1) : h.map((value) => (value * (1 - value)) / temperature);
}

// The activations of all layers (16), from those that are known: [a] or more.
export function forward(network, known) {
  const activations = [...known];
  for (let k = known.length - 1; k < network.weights.length; k += 1) {
    const x = multiply(network.weights[k], network.biases[k], activations[k], network.sizes[k + 1]);
    activations.push(squash(x, network.temperature));
  }
  return activations;
}

const times = (x, y) => x.map((value, i) => value * y[i]);

// The error vectors v of every matrix for an error of the outputs, such as q - c (17-19).
export function propagate(network, activations, error, rule) {
  const last = network.weights.length;
  let v = rule.output_slope ? times(error, slope(activations[last], network.temperature)) : Float64Array.from(error);
  const vectors = [v];
  for (let k = last - 1; k > 0; k -= 1) {
    v = multiplyBack(network.weights[k], v, network.sizes[k]);
    if (rule.hidden_slope) v = times(v, slope(activations[k], network.temperature));
    vectors.unshift(v);
  }
  return vectors;
}

// 2 f (q - c), the derivative of the loss f |q - c|^2; c is 1 at the label and 0 elsewhere (3).
export function outputError(outputs, label, lossFactor) {
  return outputs.map((q, c) => 2 * lossFactor * (q - (c === label ? 1 : 0)));
}

// W <- W - alpha v h^T and b <- b - alpha v for every matrix (20); a negative alpha takes the step back.
export function takeStep(network, activations, vectors, alpha) {
  vectors.forEach((v, k) => {
    const [weight, bias, h] = [network.weights[k], network.biases[k], activations[k]];
    const places = listNonzero(h);
    for (let i = 0; i < v.length; i += 1) {
      const start = i * h.length;
      const factor = alpha * v[i];
      if (factor === 0) continue;
      for (let p = 0; p < places.length; p += 1) weight[start + places[p]] -= factor * h[places[p]];
      if (bias) bias[i] -= factor;
    }
  });
}

// How the outputs move, to first order, if every matrix takes the step -v h^T: [classes].
export function pushForward(network, activations, vectors) {
  let moved = null;
  vectors.forEach((v, k) => {
    const reach = dot(activations[k], activations[k]) + (network.biases[k] ? 1 : 0);
    const before = moved && multiply(network.weights[k], null, moved, network.sizes[k + 1]);
    const x = v.map((value, i) => (before ? before[i] : 0) - reach * value);
    moved = times(x, slope(activations[k + 1], network.temperature));
  });
  return moved;
}

export function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i += 1) sum += x[i] * y[i];
  return sum;
}

export const norm = (x) => Math.sqrt(dot(x, x));

// The places of a vector, the largest value first; equal values stay in order.
export function rank(values) {
  return Array.from(values, (_, i) => i).sort((i, j) => values[j] - values[i] || i - j);
}

// The loss f |q - c|^2 (4).
export function measureLoss(outputs, label, lossFactor) {
  const error = outputError(outputs, label, 0.5);
  return lossFactor * dot(error, error);
}
