// One network of the race: random weights, letters in random order, one step after another, and the test error.
// A racer learns with the half-loss, as (20) implies. Settings: {hidden [widths], linear, temperature, rule, alpha,
// seed}; letters as in unpack.js.

import { Follower } from "play/follower";
import { makeGenerator } from "play/generator";
import { forward, measureLoss, outputError, propagate, takeStep } from "play/network";
import { takeLetter } from "play/unpack";

const SCALES = { linear: 0.1, sigmoid: 3 }; // of the first weights, as in conf/model
const DIVERGED = 1e6; // a larger loss

// Normal weights with standard deviation scale T / sqrt(in), and biases of 0; the linear network has none.
export function drawNetwork({ hidden, linear, temperature, seed }, classes) {
  const sizes = [900, ...hidden, classes];
  const scale = linear ? SCALES.linear : SCALES.sigmoid * temperature;
  const weights = sizes.slice(1).map((out, k) => {
    const { normal } = makeGenerator(seed, k);
    const deviation = scale / Math.sqrt(sizes[k]);
    return Float32Array.from({ length: out * sizes[k] }, () => normal() * deviation);
  });
  const biases = sizes.slice(1).map((out) => (linear ? null : new Float32Array(out)));
  return { sizes, temperature: linear ? null : temperature, weights, biases };
}

export class Racer {
  constructor(settings, { train, test, classes }) {
    Object.assign(this, { settings, train, sample: 0, order: [], diverged: false });
    this.network = drawNetwork(settings, classes);
    this.generator = makeGenerator(settings.seed, 100);
    this.follower = new Follower(test, this.network);
  }

  // The place of the next training letter: every letter once in each epoch, in a new order.
  takePlace() {
    if (!this.order.length) this.order = Array.from(this.generator.shuffle(this.train.count));
    return this.order.pop();
  }

  // Learn one letter.
  learn() {
    const { rule, alpha } = this.settings;
    const place = this.takePlace();
    const label = this.train.labels[place];
    const activations = forward(this.network, [takeLetter(this.train, place)]);
    const vectors = propagate(this.network, activations, outputError(activations.at(-1), label, 0.5), rule);
    this.diverged = !(measureLoss(activations.at(-1), label, 0.5) <= DIVERGED);
    if (this.diverged) return;
    takeStep(this.network, activations, vectors, alpha);
    this.follower.follow(activations[0], vectors[0], alpha);
    this.sample += 1;
  }

  // The share of the test letters that are misread now.
  measure() {
    return this.follower.countMisread() / this.follower.letters.count;
  }
}

// Whether the error is measured after this many samples: always, or about twenty times in each factor of ten.
export function isDue(sample, every) {
  if (every === "one" || sample < 10) return true;
  const step = (n) => Math.floor(20 * Math.log10(n));
  return step(sample) > step(sample - 1);
}
