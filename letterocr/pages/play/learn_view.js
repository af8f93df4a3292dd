// The view Learn: steps with one letter, each shown as an outer product, and how the test letters follow.

import { app, findRule, listen, resetNetwork, tell } from "play/app";
import { drawLines } from "play/chart";
import { Columns } from "play/columns";
import { fill, find, format, make, makeButton, makeSelect, makeSlider } from "play/dom";
import { findBound, findStep } from "play/learning";
import { takeStep } from "play/network";
import { showMatrices } from "play/outer_product";
import { makePicture } from "play/pictures";
import * as state from "play/state";
import { TestErrors } from "play/test_errors";

const MOST_STEPS = 400; // that undo takes back
const DIVERGED = 1e12; // no step is taken from a larger loss
const REST = 200; // milliseconds after the last step, when the bound of a large network is computed
const errors = new TestErrors();
let outputs = null;
let history = []; // {activations, vectors, alpha, loss, misread, outputs} of each step taken
let before = { misread: null }; // what the first weights misread
let isKnown = false; // whether the controls show this letter and this network
let work = Promise.resolve(); // the steps that buttons asked for, one after another
let resting = 0;
let settings = null; // {label, rule, alpha, temperature}

export function start() {
  outputs = new Columns(find("learn-outputs"), app.alphabet, { name: "Outputs" });
  fill(find("learn-buttons"),
    makeButton("Step", () => ask(() => learn(1)), { class: "main" }),
    makeButton("Ten steps", () => ask(() => learn(10))),
    makeButton("Undo", () => ask(undo)),
    makeButton("Reset", reset));
  listen((what) => {
    if (what === "network") prepare();
    if (what === "network" || what === "letter") isKnown = false;
    if (!isKnown && !find("learn").hidden) redraw();
  });
  prepare();
}

// Begin with the chosen network: no steps, and the test letters as it reads them.
function prepare() {
  const { about, network } = app;
  history = [];
  before = { misread: null };
  errors.end();
  const rate = state.getNumber("rate", about.learning_rate, 1e-6, 1e3);
  const label = app.letter.label ?? state.getNumber("truth", 4 % app.alphabet.length, 0, app.alphabet.length - 1);
  const rule = findRule(state.get("rule", about.rule)) ?? findRule(about.rule);
  settings = { label, rule, alpha: rate, temperature: about.temperature };
  if (about.temperature !== null) network.temperature = settings.temperature = state.getNumber("T", about.temperature, 0.1, 1000);
}

function makeControls() {
  const { alphabet, rules, about } = app;
  const logarithmic = (label, value, low, high, change) =>
    makeSlider(label, { low: Math.log10(low), high: Math.log10(high), step: 0.05, value: Math.log10(value), show: (v) => format(10 ** v) },
      (v) => change(Number((10 ** v).toPrecision(3))));
  const change = (name, key) => (value) => {
    settings[name] = value;
    state.set(key, value);
    redraw();
  };
  const truth = makeSelect("This is the letter", Array.from(alphabet, (name, c) => [c, name]), settings.label,
    (value) => change("label", "truth")(Number(value)));
  const rule = makeSelect("Rule", rules.map(({ name }) => [name, name]), settings.rule.name, (value) => {
    settings.rule = findRule(value);
    state.set("rule", value);
    line.textContent = settings.rule.line;
    redraw();
  });
  const line = make("p", { class: "small", text: settings.rule.line });
  const alpha = logarithmic("Learning rate α", settings.alpha, 1e-5, 100, change("alpha", "rate"));
  const temperature = about.temperature === null ? null : logarithmic("Temperature T", settings.temperature, 0.1, 1000, (value) => {
    app.network.temperature = value;
    change("temperature", "T")(value);
    errors.send({ temperature: value });
    count();
    tell("weights");
  });
  fill(find("learn-controls"), make("div", { class: "fields" }, truth, rule, alpha, temperature), line);
}

function look() {
  return findStep(app.network, app.letter.values, settings.label, settings.rule, app.about.loss_factor);
}

// Do something after what was asked before, unless another network was chosen meanwhile.
function ask(job) {
  const own = before; // another network has another one
  work = work.then(() => before === own && job());
}

// Take steps one after another; each is shown before the next one.
async function learn(steps) {
  const own = before;
  for (let i = 0; i < steps && before === own; i += 1) {
    const { activations, vectors, loss } = look();
    if (!(loss < DIVERGED)) break;
    history.push({ activations, vectors, loss, alpha: settings.alpha, outputs: activations.at(-1), misread: null });
    history = history.slice(-MOST_STEPS);
    await take({ activations, vectors, alpha: settings.alpha }, i === steps - 1);
  }
}

async function undo() {
  const step = history.pop();
  if (step) await take({ ...step, alpha: -step.alpha }, true);
}

// Take a step and show what it changed. With three matrices the test letters take about a second to count, so that they
// are counted after the last step only, and nobody waits for them.
async function take({ activations, vectors, alpha }, last) {
  takeStep(app.network, activations, vectors, alpha);
  errors.send({ step: { activations, vectors, alpha } });
  tell("weights");
  redraw();
  const isQuick = app.network.weights.length < 3;
  const counted = isQuick || last ? count() : null;
  if (isQuick) await counted;
  await new Promise((resolve) => requestAnimationFrame(resolve));
}

function reset() {
  state.set("T", null);
  resetNetwork();
}

export function redraw() {
  const { letter } = app;
  if (!isKnown) { // the letter or the network is new
    settings.label = letter.label ?? settings.label;
    makeControls();
    isKnown = true;
  }
  fill(find("learn-letter"), makePicture("The letter", letter.values, { positive: "ink", class: "pixels medium" }),
    make("p", { class: "small", text: letter.blank ? "Draw a letter in the view Read." : letter.name }));
  const step = look();
  const order = outputs.show(step.activations.at(-1), history.at(-1)?.outputs ?? null);
  const names = order.map((c) => app.alphabet[c]);
  const read = order[0] === settings.label;
  fill(find("learn-verdict"), "After ", make("strong", { text: String(history.length) }),
    ` ${history.length === 1 ? "step" : "steps"} it reads ${names[0]}, which is ${read ? "right" : "wrong"}; the next is ${names[1]}, the loss ${format(step.loss)}.`);
  for (const button of find("learn-buttons").children) {
    button.disabled = letter.blank || (!history.length && button.textContent === "Undo");
  }
  clearTimeout(resting);
  if (app.network.weights.length < 3) showBound(step);
  else resting = setTimeout(() => showBound(step), REST);
  showMatrices(find("learn-matrices"), step, settings);
  drawLoss(step);
  if (!errors.worker) {
    errors.begin(app.network, drawErrors);
    count();
  }
  drawErrors();
}

const count = () => errors.count(history.at(-1) ?? before);
const drawErrors = () => errors.draw([before, ...history]);

function showBound({ activations, loss }) {
  const bound = findBound(app.network, activations, settings.rule, app.about.loss_factor);
  const linear = app.about.temperature === null;
  const { alpha } = settings;
  const what = linear ? "For this letter the bound is" : "Near these weights the bound for this letter is about";
  let text = `${what} α = ${format(bound)}: `;
  text += alpha > bound ? `yours, ${format(alpha)}, is above it, so that each step goes too far and the error can grow. Take ten steps and look at the loss.`
    : alpha > bound / 2 ? `yours, ${format(alpha)}, goes beyond the goal in one step, but still comes nearer.`
      : `yours, ${format(alpha)}, is below it, and each step makes the loss smaller.`;
  const safe = app.about.bound;
  if (safe) text += ` Safe for every training letter: ${safe.formula} = ${format(safe.value)}.`;
  if (history.length && loss > history.at(-1).loss) text += ` The last step made the loss larger: ${format(history.at(-1).loss)} became ${format(loss)}.`;
  if (!(loss < DIVERGED)) text += " The network has diverged, and no more steps are taken: undo some of them or press Reset, then take a smaller learning rate.";
  find("learn-bound").textContent = app.letter.blank ? "" : text;
}

function drawLoss(step) {
  const losses = [...history.map(({ loss }) => loss), step.loss];
  drawLines(find("learn-loss"), {
    name: `Loss after each of ${history.length} steps`,
    series: [{ kind: 1, x: losses.map((_, i) => i), y: losses, dots: losses.length < 60 }],
    axes: { x: { label: "steps", low: 0, high: Math.max(10, history.length) }, y: { low: 0 } },
  });
}
