// The view Matrices: the alphabet matrix from few singular values, letter arithmetic, and the left inverse.

import { app, listen } from "play/app";
import { makeArithmetic } from "play/arithmetic_part";
import { drawLines } from "play/chart";
import { Columns } from "play/columns";
import { fill, find, format, make, makeSlider } from "play/dom";
import { takeColumn } from "play/arithmetic";
import { findLargest, makePicture, paint } from "play/pictures";
import * as state from "play/state";
import { applyInverse, decompose, reconstruct } from "play/svd";

const PIXELS = 900;
const RANKS = {
  energy_90: "90 % of the energy", energy_95: "95 % of the energy", energy_99: "99 % of the energy",
  entropy: "entropy (Roy, Vetterli 2007)", stable: "stable (Rudelson, Vershynin 2007)",
  optimal: "optimal threshold (Gavish, Donoho 2014)", numerical: "numerical",
};
let factors = null;
let rank = 5; // singular values of the letters that are shown
let kept = 0; // singular values of the left inverse; all at the start
let pictures = [];
let columns = null;
let arithmetic = null;

export function start() {
  const n = app.alphabet.length;
  factors = decompose(app.A, PIXELS, n);
  rank = state.getNumber("r", Math.min(5, n), 0, n);
  fill(find("rank-slider"), makeSlider("Singular values r", { low: 0, high: n, step: 1, value: rank }, (value) => {
    rank = value;
    state.set("r", value);
    redraw();
  }));
  kept = state.getNumber("kept", n, 0, n);
  fill(find("inverse-slider"), makeSlider("Singular values that W keeps", { low: 0, high: n, step: 1, value: kept }, (value) => {
    kept = value;
    state.set("kept", value);
    showInverse();
  }));
  pictures = Array.from(app.alphabet, (letter) => makePicture(`Mean letter ${letter} from r singular values`));
  fill(find("low-rank"), ...pictures.map((picture, k) =>
    make("figure", {}, picture, make("figcaption", { text: app.alphabet[k] }))));
  const rows = Object.entries(RANKS).map(([name, text]) =>
    make("tr", {}, make("th", { scope: "row", text }), make("td", { text: format(app.ranks[name]) })));
  fill(find("ranks"), make("p", { class: "small", text: "Effective rank, by several definitions:" }), make("table", {}, make("tbody", {}, ...rows)));
  columns = new Columns(find("inverse-outputs"), app.alphabet, { name: "Outputs of the left inverse" });
  arithmetic = makeArithmetic();
  listen((what) => {
    if (what === "letter" && !find("matrices").hidden) redraw();
  });
}

export function redraw() {
  const n = app.alphabet.length;
  find("rank-shown").textContent = rank;
  const A = reconstruct(factors, rank, PIXELS, n);
  const most = findLargest(app.A);
  pictures.forEach((picture, k) => paint(picture, takeColumn(A, PIXELS, n, k), { most, positive: "ink" }));
  drawLines(find("spectrum"), {
    name: `The ${n} singular values of the alphabet matrix`,
    series: [{ kind: 1, x: factors.sigma.map((_, i) => i + 1), y: factors.sigma, dots: true }],
    axes: { x: { label: "number of the singular value", low: 1, high: n }, y: { log: true } },
    marks: rank ? [{ x: rank, label: `r = ${rank}` }] : [],
  });
  showInverse();
  arithmetic.redraw();
}

function showInverse() {
  const { letter, alphabet } = app;
  fill(find("inverse-letter"), makePicture("The letter", letter.values, { positive: "ink", class: "pixels medium" }),
    make("p", { class: "small", text: letter.blank ? "Draw a letter in the view Read." : letter.name }));
  const q = applyInverse(factors, kept, letter.values);
  const order = columns.show(q);
  const spikes = order.filter((c) => q[c] > 0 && q[c] >= 0.5 * q[order[0]]);
  if (letter.blank || !kept) find("inverse-told").textContent = letter.blank ? "There is no letter to read." : "Without singular values nothing is left of the letters.";
  else {
    const others = spikes.length > 1 ? `; ${spikes.slice(1).map((c) => alphabet[c]).join(", ")} ${spikes.length > 2 ? "are" : "is"} at least half as high` : "";
    fill(find("inverse-told"), kept === alphabet.length ? "W reads " : `W with r = ${kept} reads `, make("strong", { text: alphabet[order[0]] }), `${others}.`);
  }
}
