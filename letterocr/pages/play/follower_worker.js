// The thread that reads the test letters for the view Learn, with a copy of the network that takes the same steps.
// Messages to it: {begin: {letters, network}} first; {step: {activations, vectors, alpha}}; {temperature}; {count: turn}.
// It answers {turn, misread, read} while it counts. With three matrices, whose second product is a new one after each
// step, a count takes long: a later message ends it.

import { Follower } from "play/follower";
import { takeStep } from "play/network";

const SLICE = 100; // milliseconds of a long count, after which a message is heard
let follower = null;
let timer = 0;

onmessage = ({ data: { begin, step, temperature, count } }) => {
  clearTimeout(timer);
  if (begin) follower = new Follower(begin.letters, begin.network);
  if (temperature !== undefined) follower.network.temperature = temperature;
  if (step) {
    takeStep(follower.network, step.activations, step.vectors, step.alpha);
    follower.follow(step.activations[0], step.vectors[0], step.alpha);
  }
  if (count !== undefined) read(count, follower.count());
};

function read(turn, counting) {
  const { network, letters } = follower;
  const until = network.weights.length > 2 ? performance.now() + SLICE : Infinity;
  let now = counting.next().value;
  while (now.read < letters.count && performance.now() < until) now = counting.next().value;
  postMessage({ turn, ...now });
  if (now.read < letters.count) timer = setTimeout(() => read(turn, counting));
}
