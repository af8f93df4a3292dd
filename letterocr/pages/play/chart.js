// Line charts as SVG: error against samples, loss against steps, singular values.

const SPACE = "http://www.w3.org/2000/svg";

function draw(tag, attributes, text = "") {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

// Round values between low and high for the marks of an axis.
function placeTicks(low, high, logarithmic) {
  if (logarithmic) {
    const ticks = [];
    for (let power = Math.ceil(Math.log10(low) - 1e-9); 10 ** power <= high * 1.0001; power += 1) ticks.push(10 ** power);
    return ticks;
  }
  const rough = (high - low) / 4;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * unit).find((size) => size >= rough);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i += 1) ticks.push(i * step);
  return ticks;
}

const show = (value) => {
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(0);
  return Number(value.toPrecision(6)).toLocaleString("en");
};

// Draw lines in a place. series: [{name, kind, x, y, dots}], kind 1 is the accent, 2 is dashed ink, 3 is thin.
// axes: {x: {label, log, low, high}, y: {label, log, low, high, percent}}; marks: [{x, label}].
export function drawLines(place, { name, series, axes, marks = [] }) {
  const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const width = Math.max(260, place.clientWidth || 600);
  const height = Math.round(Math.max(180, Math.min(340 * unit, width * 0.5)));
  const edge = { left: 52 * unit, right: 14 * unit, top: 12 * unit, bottom: 40 * unit, unit };
  const scales = {};
  for (const [letter, start, end] of [["x", edge.left, width - edge.right], ["y", height - edge.bottom, edge.top]]) {
    const axis = axes[letter];
    const values = series.flatMap((line) => Array.from(line[letter])).filter((v) => Number.isFinite(v) && (!axis.log || v > 0));
    const low = axis.low ?? (values.length ? values.reduce((a, b) => Math.min(a, b)) : axis.log ? 1 : 0);
    let high = axis.high ?? (values.length ? values.reduce((a, b) => Math.max(a, b)) : 1);
    if (high <= low) high = axis.log ? low * 10 : low + 1;
    const at = axis.log ? Math.log10 : (v) => v;
    const place1 = (v) => start + ((end - start) * (at(v) - at(low))) / (at(high) - at(low));
    scales[letter] = { low, high, place: place1, log: axis.log };
  }
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name, class: "chart" });
  drawAxes(svg, axes, scales, width, height, edge);
  const { x, y } = scales;
  const inside = (v, scale) => Number.isFinite(v) && (!scale.log || v > 0);
  for (const mark of marks) {
    if (mark.x < x.low || mark.x > x.high) continue;
    const at = x.place(mark.x);
    svg.append(draw("line", { x1: at, x2: at, y1: edge.top, y2: height - edge.bottom, class: "mark" }));
    svg.append(draw("text", { x: at + 4 * unit, y: edge.top + 10 * unit, class: "tick" }, mark.label));
  }
  for (const line of series) {
    const points = Array.from(line.x, (v, i) => [v, line.y[i]]).filter(([u, v]) => inside(u, x) && inside(v, y));
    const limited = points.map(([u, v]) => [x.place(u), y.place(Math.max(y.low, Math.min(y.high, v)))]);
    const path = limited.map(([u, v]) => `${u.toFixed(1)},${v.toFixed(1)}`).join(" ");
    svg.append(draw("polyline", { points: path, class: `line kind${line.kind}` }));
    if (line.dots) for (const [u, v] of limited) svg.append(draw("circle", { cx: u, cy: v, r: 3 * unit, class: `dot kind${line.kind}` }));
  }
  place.replaceChildren(svg);
}

function drawAxes(svg, axes, { x, y }, width, height, edge) {
  const floor = height - edge.bottom;
  for (const value of placeTicks(y.low, y.high, y.log)) {
    const at = y.place(value);
    svg.append(draw("line", { x1: edge.left, x2: width - edge.right, y1: at, y2: at, class: "grid" }));
    const text = axes.y.percent ? `${show(100 * value)} %` : show(value);
    svg.append(draw("text", { x: edge.left - 6 * edge.unit, y: at + 4 * edge.unit, class: "tick", "text-anchor": "end" }, text));
  }
  for (const value of placeTicks(x.low, x.high, x.log)) {
    svg.append(draw("text", { x: x.place(value), y: floor + 16 * edge.unit, class: "tick", "text-anchor": "middle" }, show(value)));
  }
  svg.append(draw("line", { x1: edge.left, x2: width - edge.right, y1: floor, y2: floor, class: "axis" }));
  const middle = (edge.left + width - edge.right) / 2;
  svg.append(draw("text", { x: middle, y: height - 4, class: "label", "text-anchor": "middle" }, axes.x.label));
}
