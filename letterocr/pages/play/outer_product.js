// The step of each matrix as an outer product: its two vectors, the part of the rank-one picture with the largest
// entries, its length, and its angle to the gradient.

import { app } from "play/app";
import { fill, format, make } from "play/dom";
import { findAngle, findWholeAngle } from "play/learning";
import { norm, rank } from "play/network";
import { findLargest, makePicture } from "play/pictures";

const [ROWS, COLUMNS] = [36, 72]; // of the part of v h^T that is shown

const FEW = 40; // numbers that are shown as one row
const NAMES = { 1: [""], 2: ["h", "q"], 3: ["h", "2", "q"] };

// The places with the largest absolute values, in the order of the vector.
function findLargestPlaces(values, count) {
  return rank(values.map(Math.abs)).slice(0, count).sort((i, j) => i - j);
}

function makePart(v, h, wide) {
  const rows = findLargestPlaces(v, ROWS);
  const columns = findLargestPlaces(h, COLUMNS);
  const product = new Float64Array(rows.length * columns.length);
  rows.forEach((i, r) => columns.forEach((j, c) => {
    product[r * columns.length + c] = v[i] * h[j];
  }));
  const name = "Part of the outer product of v and h";
  const picture = makePicture(name, product, { shape: [columns.length, rows.length], most: findLargest(product), class: wide ? "pixels" : "pixels beside" });
  const shown = rows.length * columns.length === v.length * h.length ? "v hᵀ" :
    `v hᵀ: ${rows.length} of ${v.length.toLocaleString("en")} rows and ${columns.length} of ${h.length.toLocaleString("en")} columns with the largest entries`;
  return make("figure", { class: wide ? "wide" : null }, picture, make("figcaption", { text: shown }));
}

function makeVector(name, values, caption, options) {
  const strip = values.length <= FEW;
  const picture = makePicture(name, values, { ...options, class: strip ? "pixels strip" : "pixels" });
  return make("figure", { class: strip ? "wide" : null }, picture, make("figcaption", { text: caption }));
}

const showAngle = (degrees) => (Number.isNaN(degrees) ? "–" : `${degrees.toFixed(1)}°`);

export function showMatrices(place, step, { alpha, rule }) {
  const { activations, vectors, gradient } = step;
  const names = NAMES[vectors.length] ?? vectors.map((_, k) => String(k + 1));
  const cards = vectors.map((v, k) => {
    const h = activations[k];
    const length = norm(v) * norm(h);
    const input = k ? "h" : "a";
    const facts = [
      ["length |v| |h|", format(length)],
      ["step α |v| |h|", format(alpha * length)],
      ["angle to the gradient", showAngle(findAngle(v, gradient[k]))],
      ["length / that of the gradient", norm(gradient[k]) ? format(norm(v) / norm(gradient[k])) : "–"],
    ].flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: value })]);
    const title = names[k] ? make("h2", {}, "Matrix W", make("sub", { text: names[k] })) : make("h2", { text: "Matrix W" });
    return make("div", { class: "card" }, title,
      make("div", { class: "outer" },
        makeVector(`Error vector of matrix ${k + 1}`, v, `v: ${v.length.toLocaleString("en")} errors`, { most: findLargest(v) }),
        makeVector(`Input of matrix ${k + 1}`, h, `${input}: ${h.length.toLocaleString("en")} inputs`, k ? {} : { positive: "ink" }),
        makePart(v, h, v.length > FEW)),
      make("dl", {}, ...facts));
  });
  const whole = showAngle(findWholeAngle(step, app.network));
  const summary = `The angle between the step of all matrices together and the gradient is ${whole}${rule.output_slope && rule.hidden_slope ? ", because this rule is the gradient" : ""}.`;
  fill(place, ...cards);
  cards.at(-1).append(make("p", { class: "small", text: summary }));
}
