// Sums of letters with sliders for the coefficients, and the search for the sum that is nearest to a letter.

import { app } from "play/app";
import { addTerms, findNearest, findResiduals, makeGram } from "play/arithmetic";
import { Columns } from "play/columns";
import { fill, find, format, make, makeButton, makeSelect, makeSlider } from "play/dom";
import { findLargest, makePicture, paint } from "play/pictures";
import * as state from "play/state";

const PIXELS = 900;
const MOST = 6; // terms of a sum

// L + F (9) where the alphabet has these letters; else its first two.
function findFirst(alphabet) {
  const places = ["L", "F"].map((letter) => alphabet.indexOf(letter));
  return (places.includes(-1) ? [0, Math.min(1, alphabet.length - 1)] : places).map((letter) => [1, letter]);
}

// Terms as text for a link, such as 1L-0.5F.
const writeTerms = (terms) => terms.map(([c, letter]) => `${c}${app.alphabet[letter]}`).join("_");

function readTerms(text) {
  if (!text) return null;
  const terms = text.split("_").map((part) => [Number(part.slice(0, -1)), app.alphabet.indexOf(part.slice(-1))]);
  return terms.every(([c, letter]) => Number.isFinite(c) && letter >= 0) ? terms : null;
}

export function makeArithmetic() {
  const n = app.alphabet.length;
  const gram = makeGram(app.A, PIXELS, n);
  const picture = makePicture("The sum of the letters", null, { class: "pixels medium" });
  const columns = new Columns(find("residuals"), app.alphabet, { name: "Distance of the sum from each letter", best: "low" });
  let terms = readTerms(state.get("sum", "")) ?? findFirst(app.alphabet);
  let goal = Math.max(0, app.alphabet.indexOf(state.get("goal", "E")));
  let size = state.getNumber("size", 2, 2, 3);
  fill(find("sum"), picture, make("p", { class: "small", text: "the sum; blue is above 0" }));

  const setTerms = (changed) => {
    terms = changed;
    state.set("sum", writeTerms(terms));
    makeTerms();
    redraw();
  };
  const letters = Array.from(app.alphabet, (letter, c) => [c, letter]);
  function makeTerms() {
    fill(find("terms"), ...terms.map((term, i) => make("div", { class: "term" },
      makeSelect(`Letter ${i + 1}`, letters, term[1], (value) => setTerms(terms.map((other, j) => (i === j ? [other[0], Number(value)] : other)))),
      makeSlider("Coefficient", { low: -2, high: 2, step: 0.05, value: term[0], show: (v) => v.toFixed(2).replace("-", "−") }, (value) => {
        term[0] = value;
        state.set("sum", writeTerms(terms));
        redraw();
      }),
      makeButton("Remove", () => setTerms(terms.filter((_, j) => j !== i)), { disabled: terms.length === 1, "aria-label": `Remove letter ${i + 1}` }))));
  }
  fill(find("term-buttons"),
    makeButton("Add a letter", () => terms.length < MOST && setTerms([...terms, [1, 0]])),
    makeSelect("Come near to", letters, goal, (value) => {
      goal = Number(value);
      state.set("goal", app.alphabet[goal]);
    }),
    makeSelect("with", [[2, "two letters"], [3, "three letters"]], size, (value) => {
      size = Number(value);
      state.set("size", size);
    }),
    makeButton("Find the nearest sum", () => setTerms(findNearest(gram, n, goal, size).terms), { class: "main" }));

  function redraw() {
    const sum = addTerms(app.A, PIXELS, n, terms);
    paint(picture, sum, { most: findLargest(app.A) });
    const residuals = findResiduals(app.A, PIXELS, n, sum);
    const [nearest] = columns.show(residuals);
    fill(find("sum-told"), `${describe(terms)} is nearest to `, make("strong", { text: app.alphabet[nearest] }),
      `: they differ by ${format(100 * residuals[nearest])} % of its length.`);
  }
  makeTerms();
  return { redraw };
}

// A sum as in (9): L + F - 2 I, positive terms first.
function describe(terms) {
  let text = "";
  for (const [c, letter] of [...terms].sort((one, two) => Number(one[0] < 0) - Number(two[0] < 0))) {
    const sign = text ? (c < 0 ? " − " : " + ") : c < 0 ? "−" : "";
    const name = app.alphabet[letter];
    const size = Math.abs(c) === 1 ? "" : `${format(Math.abs(c))} ${/\d/.test(name) ? "· " : ""}`;
    text += `${sign}${size}${name}`;
  }
  return text;
}
