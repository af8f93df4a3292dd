// A confusion matrix: which letter (row) is read as which (column).

import { make } from "play/dom";
import { makePicture, paint } from "play/pictures";

const NAMED = 3; // confusions in words

export class Confusion {
  constructor(place, alphabet) {
    const names = () => Array.from(alphabet, (letter) => make("span", { text: letter }));
    Object.assign(this, { alphabet, counts: [], told: make("p", { class: "small" }) });
    this.canvas = makePicture("Confusion matrix");
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    const grid = make("div", { class: "confusion" }, make("div", { class: "across" }, ...names()), make("div", { class: "down" }, ...names()), this.canvas);
    place.replaceChildren(grid, this.told);
  }

  // Show counts [C, C]: right ones in the accent, wrong ones in ink; the square root makes a single one visible.
  show(counts) {
    const n = this.alphabet.length;
    this.counts = counts;
    const total = Array.from({ length: n }, (_, row) => counts.subarray(row * n, (row + 1) * n).reduce((a, b) => a + b, 0) || 1);
    const shares = Float64Array.from(counts, (count, i) => {
      const [row, share] = [Math.floor(i / n), count / total[Math.floor(i / n)]];
      return row === i % n ? share : -Math.sqrt(share);
    });
    paint(this.canvas, shares, { shape: [n, n] });
    const wrong = Array.from(counts.keys()).filter((i) => counts[i] && Math.floor(i / n) !== i % n);
    wrong.sort((i, j) => counts[j] - counts[i] || i - j);
    const text = wrong.slice(0, NAMED).map((i) => this.describe(i)).join("; ");
    this.told.textContent = text ? `Most often: ${text}.` : "Every test letter is read rightly.";
    this.canvas.setAttribute("aria-label", `Confusion matrix. ${this.told.textContent}`);
  }

  describe(i) {
    const n = this.alphabet.length;
    return `${this.alphabet[Math.floor(i / n)]} read as ${this.alphabet[i % n]} (${this.counts[i]})`;
  }

  point(event) {
    const n = this.alphabet.length;
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((share) => Math.max(0, Math.min(n - 1, Math.floor(share * n))));
    this.canvas.title = this.describe(y * n + x);
  }
}
