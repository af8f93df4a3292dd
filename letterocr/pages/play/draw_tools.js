// The tools beside the sheet: pen, undo, clear, examples from the test letters, and pictures from a file.

import { app, setLetter } from "play/app";
import { fill, find, make, makeButton, makeSlider } from "play/dom";
import { normalise } from "play/ink";
import * as state from "play/state";
import { takeLetter } from "play/unpack";

const LARGEST = 600; // pixels of the longer side of a picture that is read

export function makeDrawTools(drawing) {
  drawing.width = state.getNumber("pen", 18, 4, 40);
  const pen = makeSlider("Pen", { low: 4, high: 40, step: 1, value: drawing.width }, (width) => {
    drawing.width = width;
    state.set("pen", width);
  });
  fill(find("draw-tools"), makeButton("Undo", () => drawing.undo()), makeButton("Clear", () => drawing.clear()), pen);
  makeExamples(drawing);
  const open = () => file.files[0] && openPicture(file.files[0], drawing);
  const file = make("input", { type: "file", accept: "image/*", change: open });
  fill(find("open-picture"), make("label", { class: "field" }, make("span", { text: "Picture of a letter" }), file));
  acceptDrops(drawing);
}

function makeExamples(drawing) {
  const next = new Map();
  const step = (label) => {
    const places = [...app.test.labels.keys()].filter((i) => app.test.labels[i] === label);
    if (!places.length) return;
    const number = next.get(label) ?? 0;
    next.set(label, number + 1);
    showExample(drawing, places[number % places.length]);
  };
  fill(find("examples"), ...Array.from(app.alphabet, (name, label) =>
    makeButton(name, () => step(label), { "aria-label": `Example of ${name}` })));
}

// Read one of the test letters.
export function showExample(drawing, place) {
  const values = takeLetter(app.test, place);
  drawing.showInstead(values);
  state.set("ink", null);
  state.set("example", place);
  setLetter({ values, label: app.test.labels[place], name: `test letter ${place + 1}` });
}

function acceptDrops(drawing) {
  const sheet = drawing.canvas;
  sheet.addEventListener("dragover", (event) => {
    event.preventDefault();
    sheet.classList.add("over");
  });
  sheet.addEventListener("dragleave", () => sheet.classList.remove("over"));
  sheet.addEventListener("drop", (event) => {
    event.preventDefault();
    sheet.classList.remove("over");
    if (event.dataTransfer.files[0]) openPicture(event.dataTransfer.files[0], drawing);
  });
}

// Read a picture file: grey levels, one threshold between ink and paper.
async function openPicture(file, drawing) {
  const name = `the picture ${file.name}`;
  const blank = (reason) => {
    drawing.showInstead(new Float64Array(900));
    setLetter({ values: new Float64Array(900), label: null, name, blank: true, reason });
  };
  let bitmap = null;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    blank(`${file.name} is no picture that this browser can read: save it as PNG or JPEG.`);
    return;
  }
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff"; // transparent parts are paper
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const grey = (i) => (299 * data[4 * i] + 587 * data[4 * i + 1] + 114 * data[4 * i + 2]) / 255000;
  const found = normalise(Float32Array.from({ length: width * height }, (_, i) => grey(i)), width, height, app.box);
  if (!found) {
    blank(`${file.name} is blank: no ink stands out from its border.`);
    return;
  }
  drawing.showInstead(found.letter);
  state.set("ink", null);
  state.set("example", null);
  setLetter({ values: found.letter, label: null, name, doubt: found.share > 0.35 });
}
