// The error on the test letters after each step of the view Learn, counted in a thread of its own.

import { app } from "play/app";
import { drawLines } from "play/chart";
import { find, percent } from "play/dom";
import { makeWorker } from "play/worker_source";

export class TestErrors {
  constructor() {
    Object.assign(this, { worker: null, turn: 0, waiting: new Map() }); // turn: {place, done} of each count that is not done
  }

  // Read the test letters with this network from now on; `counted()` is called after each count.
  begin(network, counted) {
    this.end();
    Object.assign(this, { counted, isBroken: false });
    this.worker = makeWorker("follower_worker");
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = () => {
      this.isBroken = true;
      this.finish();
      this.say("This browser can't count them in a thread of its own: open the page in a newer one.", false);
    };
    this.send({ begin: { letters: app.test, network } });
    this.say(`Reading the ${app.test.count} test letters …`, true);
  }

  end() {
    this.worker?.terminate();
    this.worker = null;
    this.finish();
  }

  // Nobody waits any more.
  finish() {
    for (const { done } of this.waiting.values()) done();
    this.waiting.clear();
  }

  // Tell the thread that the weights took a step, {step: {activations, vectors, alpha}}, or of a {temperature}.
  send(message) {
    this.worker?.postMessage(message);
  }

  // Count the misread letters with the weights as they are, for `place.misread`; resolves when it is done. With three
  // matrices a later step ends a count that takes long, and it is never done.
  count(place) {
    if (this.isBroken) return null;
    this.turn += 1;
    find("learn-error").classList.add("busy");
    this.send({ count: this.turn });
    return new Promise((done) => {
      this.waiting.set(this.turn, { place, done });
    });
  }

  receive({ turn, misread, read }) {
    const isWhole = read === app.test.count;
    const rest = isWhole ? "." : `; ${app.test.count - read} are still to be read …`;
    this.say(`${percent(misread / read)} of ${read} test letters are misread${rest}`, turn < this.turn || !isWhole);
    if (!isWhole) return;
    const { place, done } = this.waiting.get(turn);
    this.waiting.delete(turn);
    place.misread = misread;
    done();
    this.counted();
  }

  say(text, busy) {
    find("learn-error").textContent = text;
    find("learn-error").classList.toggle("busy", busy);
  }

  // Draw the counts of all places: {misread} before the first step and after each; null where nothing was counted.
  draw(places) {
    const known = [...places.keys()].filter((i) => places[i].misread !== null);
    drawLines(find("learn-errors"), {
      name: "Error on the test letters after each step",
      series: [{ kind: 1, x: known, y: known.map((i) => places[i].misread / app.test.count), dots: known.length < 60 }],
      axes: { x: { label: "steps", low: 0, high: Math.max(10, places.length - 1) }, y: { low: 0, high: 1, percent: true } },
    });
  }
}
