// The thread that reads the test letters for the view Learn, with a copy of the network that takes the same steps.
// Messages to it: {begin: {letters, network}} first; {step: {activations, vectors, alpha}}; {temperature}; {count: turn}.
// It answers {turn, misread, read} while it counts; a later message ends a count that is not done.

import { Follower } from "play/follower";
import { takeStep } from "play/network";

const SLICE = 100; // milliseconds of work, after which a message is heard
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
  const until = performance.now() + SLICE;
  let { value, done } = counting.next();
  while (!done && value.read < follower.letters.count && performance.now() < until) ({ value, done } = counting.next());
  postMessage({ turn, ...value });
  if (value.read < follower.letters.count) timer = setTimeout(() => read(turn, counting));
}
