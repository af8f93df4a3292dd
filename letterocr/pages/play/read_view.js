// The view Read: the letter that is drawn, the vectors of every layer, the outputs, and what speaks for each.

import { app, listen, setLetter } from "play/app";
import { Columns } from "play/columns";
import { fill, find, format, make } from "play/dom";
import { makeDrawTools, showExample } from "play/draw_tools";
import { Drawing, readStrokes, SHEET, writeStrokes } from "play/drawing";
import { normalise } from "play/ink";
import { forward, rank } from "play/network";
import { OtherNetworks } from "play/other_networks";
import { findLargest, paint } from "play/pictures";
import { showOutput, showUnit } from "play/read_detail";
import * as state from "play/state";
import { takeLetter } from "play/unpack";
import { makeWorker } from "play/worker_source";

const TRIED = 20; // test letters of which the first that is read rightly is shown at the start
const MOST_INK = 0.35; // of the sheet; a letter has less
const REST = 80; // milliseconds after which the pen rests
const WARM = 15; // times that code has run when the browser has compiled it
let drawing = null;
let outputs = null;
let others = null;
let likeness = null; // the thread that compares letters, made when it is first needed
const compared = []; // letters that it was given and has not answered
let layers = [];
let product = null; // W . a of the letter that is read, pixel by pixel; only for one matrix
let chosen = null; // what the detail shows: {output} or {layer, unit}; null: the highest output
let best = 0;
let waiting = false;
let resting = 0;

export function start() {
  drawing = new Drawing(find("sheet"), () => later(readDrawing));
  makeDrawTools(drawing);
  outputs = new Columns(find("outputs"), app.alphabet, { name: "Outputs", choose: (c) => choose({ output: c }) });
  listen((what) => {
    if (what === "network") {
      makeLayers();
      others.prepare();
    }
    later(show);
  });
  find("more").open = innerWidth > 600;
  others = new OtherNetworks(find("others"));
  others.prepare();
  makeLayers();
  restore();
  warmUp(WARM);
}

// Read a stroke that nobody drew, some times: the browser then has compiled the code before the first stroke is drawn.
function warmUp(times) {
  const points = Array.from({ length: 60 }, (_, i) => [4 * i, 128 + 90 * Math.sin(i / 5)]);
  const other = new Drawing(document.createElement("canvas"), () => {});
  const turn = () => {
    other.strokes = [{ width: other.width, points }];
    forward(app.network, [normalise(other.readLevels(), SHEET, SHEET, app.box).letter]);
    times -= 1;
    if (times) setTimeout(turn);
    else makeLikeness();
  };
  turn();
}

// Do something before the next frame, once.
const jobs = new Set();
function later(job) {
  jobs.add(job);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    for (const each of jobs) { // a job may ask for another one, which is done in the same frame
      jobs.delete(each);
      each();
    }
  });
}

// A test letter that the network reads rightly, if there is one among the first that are tried.
function findExample() {
  const { network, test } = app;
  const isRight = (i) => rank(forward(network, [takeLetter(test, i)]).at(-1))[0] === test.labels[i];
  const first = Math.min(80, test.count - 1);
  const tried = Array.from({ length: TRIED }, (_, i) => (first + i) % test.count);
  return tried.find(isRight) ?? first;
}

// The letter that the link holds, or an example.
function restore() {
  const strokes = readStrokes(state.get("ink", ""));
  if (strokes.length) {
    drawing.strokes = strokes;
    readDrawing();
  } else {
    showExample(drawing, state.getNumber("example", findExample(), 0, app.test.count - 1));
  }
  const [layer, unit] = state.get("unit", "").split(".").map(Number);
  if (layer < app.network.weights.length - 1 && unit < app.network.sizes[layer + 1]) choose({ layer, unit });
}

function readDrawing() {
  const found = drawing.strokes.length ? normalise(drawing.readLevels(), SHEET, SHEET, app.box) : null;
  const name = "the letter that you drew";
  if (!found) setLetter({ values: new Float64Array(900), label: null, name, blank: true });
  else setLetter({ values: found.letter, label: null, name, doubt: found.share > MOST_INK });
}

function makeLikeness() {
  if (likeness) return;
  likeness = makeWorker("likeness_worker");
  likeness.postMessage({ train: app.train, test: app.test });
  likeness.onmessage = ({ data }) => {
    compared.shift().unlike = data;
    later(show);
  };
}

// The link, the detail, the other networks and the doubt follow when the pen rests.
function rest() {
  const { letter } = app;
  if (!letter.blank && letter.label === null && letter.unlike === undefined) {
    makeLikeness();
    letter.unlike = null; // not known yet
    compared.push(letter);
    likeness.postMessage({ letter: letter.values });
  }
  if (!drawing.shown) {
    state.set("ink", writeStrokes(drawing.strokes));
    state.set("example", null);
  }
  later(showDetail);
  others.show();
}

function makeLayers() {
  const { sizes } = app.network;
  const hidden = sizes.slice(1, -1);
  for (const element of document.querySelectorAll("#read [data-layers]")) {
    element.hidden = !element.dataset.layers.split(" ").includes(String(sizes.length - 1));
  }
  const letter = makeLayer("The letter a that the network sees, 30 by 30", "a: 30 × 30 pixels, ink 1", "medium");
  layers = hidden.map((n, k) => makeHidden(n, k, hidden.length));
  product = hidden.length ? null : makeLayer("Weights of the letter that is read, times the letter", "");
  chosen = null;
  fill(find("layers"), letter.figure, ...layers.map(({ figure }) => figure), product && product.figure);
  layers.unshift(letter);
}

function makeLayer(name, caption, size = "") {
  const canvas = make("canvas", { class: `pixels ${size}`, role: "img", "aria-label": name });
  return { canvas, figure: make("figure", {}, canvas, make("figcaption", { text: caption })) };
}

function makeHidden(n, k, count) {
  const index = count > 1 ? ` ${k + 1}` : "";
  const layer = makeLayer(`Hidden activations${index}`, `h${index}: ${n.toLocaleString("en")} hidden activations between 0 and 1. Point at one.`);
  const { canvas } = layer;
  canvas.classList.add("chosen-unit");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", `Hidden activations${index}. Arrow keys choose a unit.`);
  const locate = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * canvas.width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * canvas.height);
    const unit = y * canvas.width + x;
    if (x >= 0 && x < canvas.width && unit >= 0 && unit < n) choose({ layer: k, unit });
  };
  canvas.addEventListener("pointermove", locate);
  canvas.addEventListener("pointerdown", locate);
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: canvas.width, ArrowUp: -canvas.width };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const from = chosen?.layer === k ? chosen.unit : 0;
    choose({ layer: k, unit: Math.max(0, Math.min(n - 1, from + steps[event.key])) });
  });
  return layer;
}

function choose(what) {
  chosen = what;
  state.set("unit", what.unit === undefined ? null : `${what.layer}.${what.unit}`);
  later(showDetail);
}

function show() {
  if (find("read").hidden) return;
  drawing.show();
  const activations = forward(app.network, [app.letter.values]);
  app.activations = activations;
  layers.forEach(({ canvas }, k) => paint(canvas, activations[k], k ? {} : { positive: "ink" }));
  const order = outputs.show(activations.at(-1));
  showVerdict(order, activations.at(-1));
  best = order[0];
  if (product) showProduct();
  clearTimeout(resting);
  resting = setTimeout(rest, REST);
}

function showProduct() {
  const a = app.letter.values;
  const weights = app.network.weights[0].subarray(900 * best, 900 * (best + 1));
  const values = a.map((value, i) => value * weights[i]);
  paint(product.canvas, values, { most: findLargest(values) });
  product.figure.lastChild.textContent = `W · a for ${app.alphabet[best]}, pixel by pixel; the sum is its output`;
}

function showVerdict([first, second], q) {
  const { letter, alphabet } = app;
  find("read-as").textContent = letter.blank ? "" : `is read as ${alphabet[first]}`; // narrow screens have the outputs below
  const told = find("verdict");
  if (letter.blank) fill(told, letter.reason ?? "There is no ink yet: draw a letter, or take an example.");
  else {
    const truth = letter.label === null ? "" : letter.label === first ? ", which is right" : `, but it is ${alphabet[letter.label]}`;
    const doubt = letter.doubt ? " This is more a filled area than a letter, so that the outputs mean little."
      : letter.unlike ? " It is less like the learned letters than nearly all test letters are, so that it may be no letter." : "";
    fill(told, "Read as ", make("strong", { text: alphabet[first] }), ` (${format(q[first])})${truth}; the next is ${alphabet[second]} (${format(q[second])}).${doubt}`);
  }
}

function showDetail() {
  const what = chosen ?? { output: best };
  outputs.mark(chosen?.output);
  if (!app.activations) return;
  if (what.output !== undefined) showOutput(find("detail"), app.activations, what.output, choose);
  else showUnit(find("detail"), app.activations, what.layer, what.unit);
}

export function redraw() {
  later(show);
}
