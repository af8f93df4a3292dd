// What speaks for an output, and what a hidden unit sees and does.
// Shapes: weights of a unit [in], shown as a picture; its share in output c is W_q[c, unit] h[unit].

import { app } from "play/app";
import { Columns } from "play/columns";
import { fill, format, make } from "play/dom";
import { dot, multiply, slope } from "play/network";
import { findLargest, makePicture } from "play/pictures";

const SHOWN = 6; // units for and against an output

const takeRow = (weight, row, columns) => weight.subarray(row * columns, (row + 1) * columns);

function makeFigure(name, values, options, caption) {
  return make("figure", {}, makePicture(name, values, options), make("figcaption", { text: caption }));
}

// The unit that output c or unit `unit` sees: its weights as a picture.
function makeWeights(layer, unit, options = {}) {
  const { weights, sizes } = app.network;
  const row = takeRow(weights[layer], unit, sizes[layer]);
  return makePicture(`Weights of unit ${unit + 1}`, row, { most: findLargest(row), ...options });
}

export function showOutput(place, activations, c, choose) {
  const { weights, biases, sizes } = app.network;
  const last = weights.length - 1;
  const h = activations[last];
  const row = takeRow(weights[last], c, sizes[last]);
  const share = Float64Array.from(row, (w, j) => w * h[j]);
  const letter = app.alphabet[c];
  if (!last) showPixels(place, letter, row, h, share);
  else {
    const order = Array.from(share.keys()).sort((i, j) => share[j] - share[i]);
    const list = (units) => make("div", { class: "units" }, ...units.map((unit) => {
      const picture = makeWeights(last - 1, unit, { class: "pixels tiny" });
      const go = () => choose({ layer: last - 1, unit });
      return make("button", { type: "button", click: go }, picture, `unit ${unit + 1}: ${format(share[unit])}`);
    }));
    const sum = share.reduce((a, b) => a + b, 0) + (biases[last] ? biases[last][c] : 0);
    fill(place,
      make("h3", { text: `Output ${letter}: ${format(activations[last + 1][c])}` }),
      make("p", { class: "small", text: `The shares w h of all units and the bias sum to ${format(sum)}. These units speak most for ${letter}; blue weights want ink, grey ones want paper:` }),
      list(order.slice(0, SHOWN)),
      make("p", { class: "small", text: `These speak least for it, or against it:` }),
      list(order.slice(-SHOWN).reverse()));
  }
}

function showPixels(place, letter, row, a, share) {
  const sum = share.reduce((total, value) => total + value, 0);
  fill(place,
    make("h3", { text: `Output ${letter}, pixel by pixel` }),
    make("div", { class: "triple" },
      makeFigure(`Weights of ${letter}`, row, { most: findLargest(row) }, `w: the weights of ${letter}`),
      makeFigure("The letter", a, { positive: "ink" }, "a: the letter"),
      makeFigure("Weights times letter", share, { most: findLargest(share) }, `w · a: sums to ${format(sum)}`)),
    make("p", { class: "small", text: `Blue pixels speak for ${letter}, grey ones against it; their sum is the output.` }));
}

export function showUnit(place, activations, layer, unit) {
  const { weights, biases, sizes } = app.network;
  const row = takeRow(weights[layer], unit, sizes[layer]);
  const x = dot(row, activations[layer]) + (biases[layer] ? biases[layer][unit] : 0);
  const chart = make("div", { class: "low" });
  const shares = findShares(activations, layer, unit);
  const first = layer === weights.length - 2;
  fill(place,
    make("h3", { text: `Hidden unit ${unit + 1}${weights.length > 2 ? ` of layer ${layer + 1}` : ""}` }),
    make("div", { class: "row top" },
      makeWeights(layer, unit, { class: "pixels medium" }),
      make("div", { class: "grow" },
        make("dl", {}, ...[["before s", format(x)], ["activation h", format(activations[layer + 1][unit])], ["length of its weights", format(Math.sqrt(dot(row, row)))]]
          .flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: value })])),
        make("p", { class: "small", text: layer ? "Its weights for the units of the layer before." : "Its weights: blue wants ink, grey wants paper." }))),
    make("p", { class: "small", text: first ? "Its share W h in each output, before s:" : "Its share in each output before s, to first order:" }),
    chart);
  new Columns(chart, app.alphabet, { name: `Share of unit ${unit + 1} in the outputs` }).show(shares);
}

// What unit `unit` adds to the outputs before s: exact in the last hidden layer, to first order in those before.
function findShares(activations, layer, unit) {
  const { weights, sizes, temperature } = app.network;
  let share = null;
  for (let k = layer + 1; k < weights.length; k += 1) {
    if (!share) {
      const h = activations[k][unit];
      share = Float64Array.from({ length: sizes[k + 1] }, (_, i) => weights[k][i * sizes[k] + unit] * h);
    } else {
      const slopes = slope(activations[k], temperature);
      share = multiply(weights[k], null, share.map((value, i) => value * slopes[i]), sizes[k + 1]);
    }
  }
  return share;
}
