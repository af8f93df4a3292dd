// One letter taught step by step: the factors of each step, their angle to the gradient, and the bound of alpha.
// Shapes: activations and vectors as in network.js; a step of matrix k is -alpha v h^T.

import { dot, forward, measureLoss, norm, outputError, propagate, pushForward } from "play/network";

const ITERATIONS = 60; // of the power method, at most
const PRECISE = 1e-5; // relative change at which it ends

// What one step with this letter would be: {activations, vectors, gradient}.
export function findStep(network, letter, label, rule, lossFactor) {
  const activations = forward(network, [letter]);
  const error = outputError(activations.at(-1), label, lossFactor);
  const vectors = propagate(network, activations, error, rule);
  const gradient = propagate(network, activations, error, { output_slope: true, hidden_slope: true });
  return { activations, vectors, gradient, loss: measureLoss(activations.at(-1), label, lossFactor) };
}

// The angle in degrees between the step of matrix k and its gradient; they share h, so that it is the angle of v and g.
// NaN where one of them is 0.
export function findAngle(v, g) {
  const lengths = norm(v) * norm(g);
  return lengths ? (180 / Math.PI) * Math.acos(Math.max(-1, Math.min(1, dot(v, g) / lengths))) : NaN;
}

// The angle between the steps of all matrices together and the gradient.
export function findWholeAngle({ activations, vectors, gradient }, network) {
  let [product, one, two] = [0, 0, 0];
  vectors.forEach((v, k) => {
    const reach = dot(activations[k], activations[k]) + (network.biases[k] ? 1 : 0);
    product += reach * dot(v, gradient[k]);
    one += reach * dot(v, v);
    two += reach * dot(gradient[k], gradient[k]);
  });
  return one && two ? (180 / Math.PI) * Math.acos(Math.max(-1, Math.min(1, product / Math.sqrt(one * two)))) : NaN;
}

// The bound of alpha for this letter. To first order a step moves the outputs by -alpha K (q - c); above 2/lambda, with
// lambda the largest eigenvalue of K (by the power method), the error grows. For the linear network K = 2 f |a|^2 1, and
// the bound is exact.
export function findBound(network, activations, rule, lossFactor) {
  let u = Float64Array.from(activations.at(-1), (_, c) => 1 + ((c * 7) % 5));
  let lambda = 0;
  for (let i = 0; i < ITERATIONS; i += 1) {
    const length = norm(u);
    if (!length) return Infinity;
    u = u.map((value) => (value / length) * 2 * lossFactor);
    u = pushForward(network, activations, propagate(network, activations, u, rule)).map((value) => -value);
    const before = lambda;
    lambda = norm(u);
    if (Math.abs(lambda - before) < PRECISE * lambda) break;
  }
  return lambda ? 2 / lambda : Infinity;
}
