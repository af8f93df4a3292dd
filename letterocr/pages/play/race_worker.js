// The thread of one racer: it learns in slices and posts [samples, error] for each measurement.
// Messages to it: {start: {settings, letters, every}}, {speed: samples a second, 0 to pause}.

import { isDue, Racer } from "play/racer";

const SLICE = 40; // milliseconds
let racer = null;
let every = "log";
let speed = 0;
let owed = 0; // samples that are due at this speed
let last = 0;
let timer = 0;

onmessage = ({ data }) => {
  if (data.start) {
    every = data.start.every;
    racer = new Racer(data.start.settings, data.start.letters);
    postMessage({ points: [[0, racer.measure()]], sample: 0 });
  }
  if (data.speed !== undefined) {
    speed = data.speed;
    last = performance.now();
    owed = 0;
    clearTimeout(timer);
    if (speed && racer) timer = setTimeout(run);
  }
};

function run() {
  const now = performance.now();
  owed = Math.min(owed + (speed * (now - last)) / 1000, speed);
  last = now;
  const points = [];
  while (owed >= 1 && performance.now() < now + SLICE && !racer.diverged) {
    racer.learn();
    owed -= 1;
    if (!racer.diverged && isDue(racer.sample, every)) points.push([racer.sample, racer.measure()]);
  }
  postMessage({ points, sample: racer.sample, diverged: racer.diverged });
  if (!racer.diverged) timer = setTimeout(run, owed >= 1 ? 0 : 15);
}
