// The view Race: two networks learn side by side, each in a thread of its own, and their errors grow as curves.

import { app, findRule } from "play/app";
import { drawLines } from "play/chart";
import { fill, find, format, make, makeButton, makeSelect, makeSlider, percent } from "play/dom";
import * as state from "play/state";
import { makeWorker } from "play/worker_source";

const MOST_SAMPLES = 20000;
const SPEEDS = [["20", "20 a second"], ["200", "200 a second"], ["100000", "as fast as it can"]];
const WIDTHS = [30, 100, 300, 900, 1800];
const BEGIN = ["2", "3"]; // layers of the two racers
let racers = [];
let running = false;
let drawing = false;

// The settings with which a network of so many layers learns by a rule.
function findDefaults(layers, rule) {
  if (layers === "2") return { rate: 0.0005, temperature: null, width: null };
  const printed = rule === "printed";
  return { rate: printed ? 0.02 : 0.05, temperature: printed ? 150 : 1, width: layers === "4" ? 300 : 1800 };
}

export function start() {
  racers = BEGIN.map((layers, number) => makeRacer(number, layers));
  fill(find("racers"), ...racers.map(({ card }) => card));
  const speed = makeSelect("Speed", SPEEDS, state.get("speed", "100000"), (value) => {
    state.set("speed", value);
    if (running) send();
  });
  const every = makeSelect("Measure the error", [["log", "at log-spaced samples"], ["one", "after every sample"]], state.get("every", "log"), (value) => {
    state.set("every", value);
    reset();
  });
  const seed = make("input", { type: "number", min: 0, max: 9999, value: state.getNumber("seed", 0, 0, 9999), "aria-label": "Seed" });
  seed.addEventListener("change", () => {
    state.set("seed", Math.max(0, Math.floor(Number(seed.value))));
    reset();
  });
  fill(find("race-buttons"),
    makeButton("Start", toggle, { class: "main", id: "race-start" }), makeButton("Reset", reset), speed, every,
    make("label", { class: "field" }, make("span", { text: "Seed" }), seed));
  reset();
}

function makeRacer(number, layers) {
  const key = (name) => `${name}${number + 1}`;
  const racer = { number, worker: null, points: [], sample: 0, diverged: false, learned: 0 };
  racer.card = make("div", { class: "card" });
  racer.told = make("p", { class: "number" });
  racer.get = () => {
    const chosen = state.get(key("layers"), layers);
    const rule = chosen === "2" ? "gradient" : (findRule(state.get(key("rule"), "printed")) ?? app.rules[0]).name;
    const defaults = findDefaults(chosen, rule);
    return {
      layers: chosen, rule,
      rate: state.getNumber(key("rate"), defaults.rate, 1e-6, 100),
      temperature: defaults.temperature && state.getNumber(key("T"), defaults.temperature, 0.1, 1000),
      width: defaults.width && state.getNumber(key("width"), defaults.width, 1, 1800),
    };
  };
  const set = (name, value, forgotten = []) => {
    state.set(key(name), value);
    for (const other of forgotten) state.set(key(other), null);
    makeControls(racer, set);
    reset();
  };
  makeControls(racer, set);
  return racer;
}

function makeControls(racer, set) {
  const now = racer.get();
  const slide = (label, name, value, low, high) =>
    makeSlider(label, { low: Math.log10(low), high: Math.log10(high), step: 0.05, value: Math.log10(value), show: (v) => format(10 ** v) }, (v) => {
      state.set(`${name}${racer.number + 1}`, Number((10 ** v).toPrecision(3)));
      reset();
    });
  const forgotten = ["rate", "T", "width"];
  const deep = now.layers !== "2";
  const names = [["2", "two"], ["3", "three"], ["4", "four"]];
  const rules = app.rules.map(({ name }) => [name, name]);
  fill(racer.card,
    make("h2", {}, make("span", { class: racer.number ? "key kind2" : "key" }), ` Network ${racer.number + 1}`),
    make("div", { class: "fields" },
      makeSelect("Layers", names, now.layers, (value) => set("layers", value, ["rule", ...forgotten])),
      deep ? makeSelect("Rule", rules, now.rule, (value) => set("rule", value, forgotten)) : null,
      deep ? makeSelect("Hidden units", WIDTHS.map((n) => [n, n]), now.width, (value) => set("width", value)) : null,
      slide("Learning rate α", "rate", now.rate, 1e-5, 10),
      deep ? slide("Temperature T", "T", now.temperature, 0.1, 1000) : null),
    racer.told, make("p", { class: "small", text: describe(now) }));
}

function describe({ layers, width }) {
  if (layers === "2") return "No hidden layer: one weight matrix, linear and without bias, learned by the gradient (6).";
  const hidden = layers === "4" ? "Two hidden layers of" : "One hidden layer of";
  const reduced = width < 1800 ? " The paper has 1,800; fewer keep the browser quick." : "";
  return `${hidden} ${width.toLocaleString("en")} units.${reduced}`;
}

function toggle() {
  running = !running;
  send();
}

function send() {
  const speed = running ? Number(state.get("speed", "100000")) : 0;
  for (const { worker } of racers) worker.postMessage({ speed });
  find("race-start").textContent = running ? "Pause" : racers.some(({ sample }) => sample) ? "Go on" : "Start";
}

// Both networks begin anew.
export function reset() {
  running = false;
  for (const racer of racers) {
    racer.worker?.terminate();
    Object.assign(racer, { points: [], sample: 0, diverged: false, worker: makeWorker("race_worker") });
    const { layers, rule, rate, temperature, width } = racer.get();
    const settings = {
      hidden: Array(Number(layers) - 2).fill(width), linear: layers === "2", temperature,
      rule: findRule(rule), alpha: rate, seed: state.getNumber("seed", 0, 0, 9999) + racer.number * 10000,
    };
    const letters = { train: app.train, test: app.test, classes: app.alphabet.length };
    racer.worker.postMessage({ start: { settings, letters, every: state.get("every", "log") } });
    racer.worker.onmessage = ({ data }) => receive(racer, data);
    racer.worker.onerror = (event) => {
      racer.told.textContent = "–";
      find("race-told").textContent = `This browser cannot run the race in a thread of its own (${event.message || "module workers are missing"}): open the page in a newer one.`;
    };
  }
  send();
  later();
}

function receive(racer, { points, sample, diverged }) {
  racer.points.push(...points);
  Object.assign(racer, { sample, diverged });
  if (sample >= MOST_SAMPLES) racer.worker.postMessage({ speed: 0 });
  later();
}

function later() {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    redraw();
  }, 100);
}

export function redraw() {
  for (const { told, points, sample, diverged } of racers) {
    const error = points.at(-1)?.[1];
    told.textContent = diverged ? `diverged after ${sample} samples` : error === undefined ? "drawing weights …"
      : `${percent(error)} misread after ${sample.toLocaleString("en")} samples`;
  }
  if (find("race").hidden) return;
  const last = Math.max(100, ...racers.map(({ sample }) => sample));
  const series = racers.map(({ number, points }) => ({
    kind: number + 1, x: points.map(([sample]) => Math.max(sample, 0.8)), y: points.map(([, error]) => error),
  }));
  drawLines(find("race-curves"), {
    name: "Error on the test letters against samples learned",
    series,
    axes: { x: { label: "training letters learned", log: true, low: 0.8, high: last }, y: { low: 0, high: 1, percent: true } },
  });
  const { train, test } = app;
  find("race-told").textContent = `Each network learns ${train.count.toLocaleString("en")} letters in a random order of its own and reads ${test.count} test letters. It stops after ${MOST_SAMPLES.toLocaleString("en")} samples.`;
}
