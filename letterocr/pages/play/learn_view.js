// The view Learn: steps with one letter, each shown as an outer product, and how the test letters follow.

import { app, findRule, listen, resetNetwork, tell } from "play/app";
import { drawLines } from "play/chart";
import { Columns } from "play/columns";
import { fill, find, format, make, makeButton, makeSelect, makeSlider, percent } from "play/dom";
import { Follower } from "play/follower";
import { findBound, findStep } from "play/learning";
import { takeStep } from "play/network";
import { showMatrices } from "play/outer_product";
import { makePicture } from "play/pictures";
import * as state from "play/state";

const MOST_STEPS = 400; // that undo takes back
const DIVERGED = 1e12; // no step is taken from a larger loss
let outputs = null;
let follower = null;
let history = []; // {activations, vectors, alpha, loss, misread, outputs} of each step taken
let before = { misread: null }; // what the first weights misread
let isKnown = false; // whether the controls show this letter and this network
let busy = false;
let ready = null; // the test letters are read
let settings = null; // {label, rule, alpha, temperature}
let turn = 0; // numbers the counts of the test letters, so that an older one stops

export function start() {
  outputs = new Columns(find("learn-outputs"), app.alphabet, { name: "Outputs" });
  fill(find("learn-buttons"),
    makeButton("Step", () => learn(1), { class: "main" }),
    makeButton("Ten steps", () => learn(10)),
    makeButton("Undo", undo),
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
  follower = null;
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
    count().then(drawErrors);
    tell("weights");
  });
  fill(find("learn-controls"), make("div", { class: "fields" }, truth, rule, alpha, temperature), line);
}

function look() {
  return findStep(app.network, app.letter.values, settings.label, settings.rule, app.about.loss_factor);
}

// Take steps one after another; each is shown before the next one.
async function learn(steps) {
  if (app.letter.blank || busy) return;
  busy = true;
  const own = follower;
  await ready;
  for (let i = 0; i < steps && own === follower; i += 1) {
    const { activations, vectors, loss } = look();
    if (!(loss < DIVERGED)) break;
    takeStep(app.network, activations, vectors, settings.alpha);
    follower.follow(activations[0], vectors[0], settings.alpha);
    history.push({ activations, vectors, loss, alpha: settings.alpha, outputs: activations.at(-1), misread: null });
    history = history.slice(-MOST_STEPS);
    await changed(i === steps - 1);
  }
  busy = false;
  redraw();
}

async function undo() {
  const step = busy ? null : history.pop();
  if (!step) return;
  takeStep(app.network, step.activations, step.vectors, -step.alpha);
  follower.follow(step.activations[0], step.vectors[0], -step.alpha);
  await changed(true);
}

function reset() {
  state.set("T", null);
  resetNetwork();
}

// Show what a step changed. With three matrices the test letters take a while: they are read after the last step only.
async function changed(last) {
  if (last || app.network.weights.length < 3) await count();
  redraw();
  tell("weights");
  await new Promise((resolve) => requestAnimationFrame(resolve));
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
  showBound(step);
  showMatrices(find("learn-matrices"), step, settings);
  drawLoss(step);
  drawErrors();
  if (!follower) ready = begin();
}

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

// Read all test letters with the weights as they are, in slices; then every step moves them.
async function begin() {
  const own = new Follower(app.test, app.network);
  follower = own;
  for (let unit = 0; unit < own.width; ) {
    await new Promise((resolve) => setTimeout(resolve));
    if (follower !== own) return;
    unit = own.fillFrom(unit, performance.now() + 30);
  }
  await count();
  drawErrors();
}

// Count the misread test letters with the weights as they are.
async function count() {
  const mine = ++turn;
  const own = follower;
  const place = history.at(-1) ?? before;
  await own.count((misread, read) => {
    if (turn !== mine || own !== follower) return false;
    const all = read === app.test.count;
    find("learn-error").textContent = `${percent(misread / read)} of ${read} test letters are misread${all ? "." : " so far …"}`;
    if (all) place.misread = misread;
    return true;
  });
}

function drawErrors() {
  const all = [before, ...history].map(({ misread }) => misread);
  const known = [...all.keys()].filter((i) => all[i] !== null);
  drawLines(find("learn-errors"), {
    name: "Error on the test letters after each step",
    series: [{ kind: 1, x: known, y: known.map((i) => all[i] / app.test.count), dots: known.length < 60 }],
    axes: { x: { label: "steps", low: 0, high: Math.max(10, history.length) }, y: { low: 0, high: 1, percent: true } },
  });
}
