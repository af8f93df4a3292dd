// The sheet on which one draws: strokes by mouse, touch, pen or keyboard, and their grey levels.
// Strokes: {width, points: [[x, y], ...]} in 0..255, so that a link can hold them; an array of them only grows at its
// end. The levels that are read come from a sheet of 320x320 pixels with a margin of 32, whatever the screen: no stroke
// touches the border.

import { paint, readColour } from "play/pictures";
import { StrokeCanvas } from "play/stroke_canvas";

const SIZE = 256;
const MARGIN = 32;
export const SHEET = SIZE + 2 * MARGIN;

export class Drawing {
  // `changed()` is called after each change of the strokes.
  constructor(canvas, changed) {
    Object.assign(this, { canvas, changed, strokes: [], width: 18, cursor: null, isDown: false, shown: null });
    this.seen = new StrokeCanvas(canvas);
    this.sheet = new StrokeCanvas(document.createElement("canvas"), { willReadFrequently: true });
    this.levels = new Float32Array(SHEET * SHEET);
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.extend(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => this.end());
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("blur", () => this.leave());
  }

  locate(event) {
    const box = this.canvas.getBoundingClientRect();
    const inside = (v) => Math.max(0, Math.min(SIZE - 1, Math.round(v)));
    return [inside(((event.clientX - box.left) / box.width) * SIZE), inside(((event.clientY - box.top) / box.height) * SIZE)];
  }

  begin(event) {
    if (event.button) return;
    event.preventDefault();
    this.shown = null;
    this.canvas.focus({ preventScroll: true });
    this.cursor = null;
    this.canvas.setPointerCapture(event.pointerId);
    this.current = { width: this.width, points: [this.locate(event)] };
    this.strokes.push(this.current);
    this.changed();
  }

  extend(event) {
    if (!this.current) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.add(this.locate(each));
    this.changed();
  }

  add(point) {
    const last = this.current.points.at(-1);
    if (point[0] !== last[0] || point[1] !== last[1]) this.current.points.push(point);
  }

  end() {
    this.current = null;
  }

  // Arrow keys move a cursor, the space bar puts the pen down and lifts it.
  press(event) {
    const step = event.shiftKey ? 4 : 12;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.key === " ") {
      this.cursor ??= [SIZE / 2, SIZE / 2];
      if (this.isDown) this.leave();
      else {
        this.isDown = true;
        this.shown = null;
        this.current = { width: this.width, points: [this.cursor] };
        this.strokes.push(this.current);
      }
    } else if (event.key in moves) {
      const from = this.cursor ?? [SIZE / 2, SIZE / 2];
      this.cursor = from.map((v, i) => Math.max(0, Math.min(SIZE - 1, v + moves[event.key][i])));
      if (this.isDown) this.add(this.cursor);
    } else if (event.key === "Backspace") this.undo();
    else return;
    event.preventDefault();
    this.changed();
  }

  leave() {
    if (this.isDown) this.current = null;
    this.isDown = false;
  }

  undo() {
    this.strokes = this.strokes.slice(0, -1);
    this.shown = null;
    this.current = null;
    this.isDown = false;
    this.changed();
  }

  clear() {
    this.strokes = [];
    this.shown = null;
    this.current = null;
    this.isDown = false;
    this.changed();
  }

  // Show a letter [900] that was not drawn here in place of strokes.
  showInstead(letter) {
    Object.assign(this, { strokes: [], current: null, isDown: false, shown: letter });
  }

  // Show the strokes on the canvas, as sharp as the screen is.
  show() {
    const size = Math.max(1, Math.round(this.canvas.clientWidth * devicePixelRatio));
    this.seen.draw(this.strokes, { size, scale: size / SIZE, offset: 0, colour: readColour("ink") });
    const { context } = this.seen;
    if (this.shown) {
      context.imageSmoothingEnabled = false;
      context.drawImage(paint(document.createElement("canvas"), this.shown, { positive: "ink" }), 0, 0, size, size);
    }
    if (!this.cursor) return;
    context.beginPath();
    context.arc((this.cursor[0] * size) / SIZE, (this.cursor[1] * size) / SIZE, (this.width * size) / SIZE / 2, 0, 7);
    context.lineWidth = 2;
    context.stroke();
  }

  // The grey levels [SHEET, SHEET] of the strokes: black ink on white paper.
  readLevels() {
    this.sheet.draw(this.strokes, { size: SHEET, scale: 1, offset: MARGIN, colour: "#000", background: "#fff" });
    const { data } = this.sheet.context.getImageData(0, 0, SHEET, SHEET);
    for (let i = 0; i < this.levels.length; i += 1) this.levels[i] = data[4 * i] / 255;
    return this.levels;
  }
}

// Strokes as text for a link: two letters of base 16 for each number, a dot between strokes.
export function writeStrokes(strokes) {
  const hex = (v) => Math.round(v).toString(16).padStart(2, "0");
  return strokes.map(({ width, points }) => hex(width) + points.map(([x, y]) => hex(x) + hex(y)).join("")).join(".");
}

// The strokes of a text; none if it is not one.
export function readStrokes(text) {
  if (!/^[0-9a-f.]+$/.test(text)) return [];
  return text.split(".").map((part) => {
    const numbers = (part.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
    const points = [];
    for (let i = 1; i + 1 < numbers.length; i += 2) points.push([numbers[i], numbers[i + 1]]);
    return { width: numbers[0], points };
  }).filter(({ width, points }) => width && points.length);
}
