// Charts, tables that can be sorted and filtered, and frames that are played one after another.
// Without this script a page shows its texts, tables and pictures, and the last frame.
"use strict";

const COLOURS = ["#2f7dd1", "#d9601e", "#2e9b5b", "#a45bd0", "#c2457f", "#8f7d20", "#1793a6", "#c4483f", "#6d7f8f", "#7a6be0"];

function readColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function themeAxis(axis) {
  const line = readColour("--line");
  return { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, ...axis };
}

// Ticks of a logarithmic axis: powers of ten; 1, 2, 5, 10, ... if it is short; 1, 2, 3, 4, ... if it is very short.
function placeTicks(data, letter) {
  const values = data.flatMap((trace) => Array.from(trace[letter] || [])).filter((v) => v > 0);
  const ends = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), 0)];
  const [low, high] = [Math.floor(Math.log10(ends[0])), Math.ceil(Math.log10(ends[1]))];
  if (!Number.isFinite(low) || !Number.isFinite(high)) return {};
  let tickvals = [];
  for (const digits of [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const powers = Array.from({ length: high - low + 1 }, (_, i) => low + i);
    tickvals = powers.flatMap((power) => digits.map((digit) => digit * 10 ** power));
    if (tickvals.filter((v) => v >= ends[0] && v <= ends[1]).length >= 3) break;
    if (digits.length === 9) return {}; // plotly.js places ticks on so short an axis
  }
  const show = (v) => (v >= 1e6 || v < 1e-4 ? v.toExponential(0) : Number(v.toPrecision(1)).toLocaleString("en"));
  return { tickmode: "array", tickvals, ticktext: tickvals.map(show) };
}

function makeLayout(given, data) {
  const layout = { ...given, colorway: COLOURS, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
  layout.font = { family: "system-ui, sans-serif", size: 13, color: readColour("--text") };
  layout.hoverlabel = { align: "left", namelength: -1 };
  for (const name of Object.keys(given)) {
    if (!/^[xy]axis\d*$/.test(name)) continue;
    const ticks = given[name].type === "log" ? placeTicks(data, name[0]) : {};
    layout[name] = themeAxis({ ...given[name], ...ticks });
  }
  for (const name of ["xaxis", "yaxis"]) layout[name] = layout[name] || themeAxis({});
  return layout;
}

function drawChart(figure) {
  const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
  const plot = figure.querySelector(".plot");
  const options = { responsive: true, displayModeBar: false, displaylogo: false };
  Plotly.newPlot(plot, data, makeLayout(layout, data), options);
  for (const button of figure.querySelectorAll("button[data-axis]")) {
    button.addEventListener("click", () => {
      const log = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(log));
      const axis = button.dataset.axis;
      const ticks = log ? placeTicks(data, axis[0]) : { tickmode: "auto" };
      const named = Object.entries(ticks).map(([name, value]) => [`${axis}.${name}`, value]);
      const change = { [`${axis}.type`]: log ? "log" : "linear", [`${axis}.autorange`]: true };
      Plotly.relayout(plot, { ...change, ...Object.fromEntries(named) });
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    const now = makeLayout(plot.layout, plot.data);
    for (const name of Object.keys(now)) {
      if (/^[xy]axis\d*$/.test(name)) {
        const line = readColour("--line");
        Object.assign(now[name], { gridcolor: line, zerolinecolor: line, linecolor: line });
      }
    }
    Plotly.react(plot, plot.data, now, options);
  });
}

function readKey(row, place) {
  const cell = row.cells[place];
  const text = cell.textContent.trim();
  const number = parseFloat(text.replace(/,/g, ""));
  return Number.isNaN(number) ? text : number;
}

function compare(a, b) {
  const numbers = [typeof a === "number", typeof b === "number"];
  if (numbers[0] && numbers[1]) return a - b;
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1; // numbers before words
  return a.localeCompare(b);
}

function sortTable(table, place, head) {
  const up = head.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = table.tBodies[0];
  const keyed = Array.from(body.rows, (row) => [readKey(row, place), row]);
  keyed.sort((one, two) => (up ? 1 : -1) * compare(one[0], two[0]));
  body.append(...keyed.map(([, row]) => row));
}

function enliven(table) {
  Array.from(table.tHead.rows[0].cells).forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortTable(table, place, head));
    head.append(button);
  });
  const rows = Array.from(table.tBodies[0].rows);
  const controls = document.createElement("p");
  const input = document.createElement("input");
  const count = document.createElement("span");
  input.type = "search";
  input.placeholder = "filter rows";
  input.setAttribute("aria-label", "Show only rows with these words");
  count.className = "faint";
  count.setAttribute("role", "status");
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = words.length ? ` ${shown} of ${rows.length} rows` : "";
  });
  controls.append(input, count);
  table.closest(".wide").before(controls);
}

// One frame at a time, the last one first.
function playFrames(part) {
  const frames = Array.from(part.querySelectorAll(".frame"));
  part.prepend(makePlayer(frames.length, frames.length - 1, (place) => {
    frames.forEach((frame, i) => { frame.hidden = i !== place; });
    return [frames[place].dataset.name, frames[place].querySelector("p").textContent];
  }));
}

document.querySelectorAll("figure.chart").forEach(drawChart);
document.querySelectorAll("table.sortable").forEach(enliven);
document.querySelectorAll(".playback").forEach(playFrames);
