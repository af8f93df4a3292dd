// The view Playback: what the weights had learned, and how the test letters were read, at each snapshot of the training.
// Shapes, with K snapshots, k directions, C classes: confusion [K, C, C]; values [K, k]; right [K, k, 900]; left [K, k, C].

import { app, listen } from "play/app";
import { drawLines } from "play/chart";
import { Confusion } from "play/confusion";
import { fill, find, format, make, percent } from "play/dom";
import { rank } from "play/network";
import { makePicture, paint } from "play/pictures";
import { makePlayer } from "play/player";
import * as state from "play/state";
import { takeLetter, unpack } from "play/unpack";

const FULL = 127; // the 8-bit number with the full colour
const WEAK = 0.3; // of the largest entry of a direction: letters below it are not named
const NAMED = 3; // letters on each side of a direction
const FIRST = 0.8; // where a logarithmic axis shows sample 0
let playback = null; // of the network `number`
let number = null;
let place = 0; // of the snapshot that is shown
let confusion = null;
let pictures = [];

export function start() {
  confusion = new Confusion(find("confusion"), app.alphabet);
  listen((what) => {
    if (what === "network" && !find("playback").hidden) redraw();
  });
}

export function redraw() {
  if (number === app.number) return playback && show(place);
  [number, playback] = [app.number, null];
  const packed = app.about.playback;
  find("playback-none").hidden = Boolean(packed);
  find("playback-parts").hidden = true;
  if (packed) begin(packed, number);
}

// Unpack the snapshots of a network and show the one that the link holds, or the last one.
async function begin(packed, mine) {
  const [counts, right, left, ...values] = await Promise.all([packed.confusion, packed.right, packed.left, ...packed.values].map(unpack));
  if (mine !== number) return; // another network was chosen meanwhile
  const [last, directions] = [packed.samples.length - 1, packed.right.shape[1]];
  playback = { ...packed, counts, right, left, values, directions, errors: packed.samples.map((_, i) => findError(counts, i)) };
  pictures = Array.from({ length: directions }, (_, j) => makeTile(makePicture(`Singular vector ${j + 1} of what the first matrix learned`)));
  fill(find("directions"), ...pictures.map(({ figure }) => figure));
  fill(find("growth"), ...[null, ...values].map(() => make("div", { class: "card" })));
  find("worst-card").hidden = !packed.worst;
  find("playback-parts").hidden = false;
  fill(find("player"), makePlayer(last + 1, state.getNumber("snapshot", last, 0, last) | 0, show));
}

function makeTile(picture) {
  const caption = make("figcaption");
  return { picture, caption, figure: make("figure", {}, picture, caption) };
}

// Part i of a flat array that has one part for each snapshot.
function takePart(values, i) {
  const size = values.length / playback.samples.length;
  return values.subarray(i * size, (i + 1) * size);
}

// The share of the test letters that are misread at snapshot i.
function findError(counts, i) {
  const n = app.alphabet.length;
  const part = counts.subarray(i * n * n, (i + 1) * n * n);
  const right = part.reduce((sum, count, k) => (k % (n + 1) ? sum : sum + count), 0);
  return 1 - right / part.reduce((sum, count) => sum + count, 0);
}

// Show one snapshot; return its name and a sentence on it.
function show(i) {
  place = i;
  state.set("snapshot", i === playback.samples.length - 1 ? null : i);
  const samples = playback.samples[i];
  const many = `${samples.toLocaleString("en")} ${samples === 1 ? "sample" : "samples"}`;
  const which = playback.networks ? ` by network ${playback.networks[i]}` : "";
  showDirections(i);
  confusion.show(takePart(playback.counts, i));
  showGrowth(samples);
  if (playback.worst) showWorst(i);
  return [`${many}: ${percent(playback.errors[i])} misread`, `After ${many} ${percent(playback.errors[i])} of the test letters are misread${which}.`];
}

function showDirections(i) {
  const { directions, values } = playback;
  const n = app.alphabet.length;
  const [right, left] = [takePart(playback.right, i), takePart(playback.left, i)];
  const [first, last] = [values[0], values.at(-1)].map((all) => takePart(all, i));
  pictures.forEach(({ picture, caption }, j) => {
    const vector = right.subarray(900 * j, 900 * (j + 1));
    paint(picture, first[j] ? vector : new Float64Array(900), { most: FULL });
    caption.textContent = `${j + 1}: σ = ${format(first[j])}`;
  });
  const rows = Array.from({ length: directions }, (_, j) => {
    const entries = left.subarray(n * j, n * (j + 1));
    const sides = last[j] ? [nameLargest(entries), nameLargest(entries.map((entry) => -entry))] : ["–", "–"];
    return make("tr", {}, make("th", { scope: "row", text: j + 1 }), make("td", { text: format(last[j]) }), ...sides.map((text) => make("td", { class: "words", text })));
  });
  fill(find("sides"), ...rows);
}

// The letters with the largest entries of a direction in words; those near 0 are left out.
function nameLargest(entries) {
  const weak = WEAK * Math.max(...entries.map(Math.abs));
  const letters = rank(entries).filter((c) => entries[c] > weak).map((c) => app.alphabet[c]);
  const more = letters.length - NAMED;
  return more > 1 ? `${letters.slice(0, NAMED).join(", ")} and ${more} more` : letters.join(", ") || "none";
}

function showGrowth(samples) {
  const { values, directions, errors } = playback;
  const x = playback.samples.map((sample) => Math.max(sample, FIRST));
  const matrices = values.map((all, k) => [
    values.length > 1 ? `Singular values of what matrix ${k + 1} learned` : "Singular values of what the matrix learned",
    Array.from({ length: directions }, (_, j) => ({ kind: j ? 3 : 1, x, y: playback.samples.map((_, i) => all[i * directions + j]) })),
    { low: 0 },
  ]);
  const charts = [["Misread test letters", [{ kind: 1, x, y: errors }], { low: 0, high: 1, percent: true }], ...matrices];
  const marks = [{ x: Math.max(samples, FIRST), label: "" }];
  Array.from(find("growth").children, (card, k) => {
    const [name, series, y] = charts[k];
    const plot = make("div", { class: "plot" });
    fill(card, make("h2", { text: name }), plot);
    drawLines(plot, { name: `${name} against samples learned`, series, axes: { x: { label: "training letters learned", log: true, low: FIRST }, y }, marks });
  });
}

function showWorst(i) {
  const { letters, read } = playback.worst;
  const tiles = letters[i].map((index, k) => {
    const [truth, answer] = [app.test.labels[index], read[i][k]].map((c) => app.alphabet[c]);
    const { figure, caption } = makeTile(makePicture(`A ${truth}, read as ${answer}`, takeLetter(app.test, index), { positive: "ink" }));
    caption.textContent = truth === answer ? `${truth} right` : `${truth} as ${answer}`;
    return figure;
  });
  fill(find("worst"), ...tiles);
}
