// One column for each letter of the alphabet: outputs, residuals, or the parts of a sum.

import { format, make } from "play/dom";
import { rank } from "play/network";

// A chart of columns. `choose(c)` is called when the reader points at column c or moves to it by the keyboard;
// without it the chart is a picture only. `best` is "high" or "low": which two columns are marked.
export class Columns {
  constructor(place, alphabet, { name, choose = null, best = "high" }) {
    Object.assign(this, { place, alphabet, name, best, choose });
    place.classList.add("columns-chart");
    place.setAttribute("role", choose ? "group" : "img");
    place.setAttribute("aria-label", name);
    this.columns = Array.from(alphabet, (letter, c) => {
      const bar = make("i");
      const before = make("b");
      const body = make("span", { class: "track" }, bar, before);
      const tag = choose ? "button" : "span";
      const column = make(tag, { class: "column", type: choose ? "button" : null }, body, make("span", { text: letter }));
      if (choose) {
        for (const event of ["pointerenter", "focus", "click"]) column.addEventListener(event, () => choose(c));
        column.addEventListener("keydown", (event) => this.move(event, c));
      }
      return { column, bar, before };
    });
    place.replaceChildren(...this.columns.map(({ column }) => column));
  }

  move(event, c) {
    const next = { ArrowRight: c + 1, ArrowLeft: c - 1, Home: 0, End: this.columns.length - 1 }[event.key];
    if (next === undefined || !this.columns[next]) return;
    event.preventDefault();
    this.columns[next].column.focus();
  }

  // Show values, and perhaps those before as thin marks.
  show(values, before = null) {
    const all = before ? [...values, ...before] : values;
    const finite = Array.from(all).filter(Number.isFinite);
    const low = Math.min(0, ...finite);
    const high = Math.max(1e-9, ...finite);
    const height = (value) => (100 * ((Number.isFinite(value) ? value : low) - low)) / (high - low);
    const order = rank(this.best === "high" ? values : Array.from(values, (value) => -value));
    this.columns.forEach(({ column, bar, before: mark }, c) => {
      const [from, to] = [height(0), height(values[c])];
      bar.style.bottom = `${Math.min(from, to)}%`;
      bar.style.height = `${Math.abs(to - from)}%`;
      mark.hidden = !before;
      if (before) mark.style.bottom = `${height(before[c])}%`;
      column.classList.toggle("first", c === order[0]);
      column.classList.toggle("second", c === order[1]);
      if (this.choose) column.setAttribute("aria-label", `${this.alphabet[c]}: ${format(values[c])}`);
    });
    const [first, second] = order.map((c) => `${this.alphabet[c]} ${format(values[c])}`);
    if (!this.choose) this.place.setAttribute("aria-label", `${this.name}: ${first}, then ${second}`);
    return order;
  }

  mark(chosen) {
    this.columns.forEach(({ column }, c) => column.classList.toggle("chosen", c === chosen));
  }
}
