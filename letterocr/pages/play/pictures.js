// Vectors as pictures: one pixel for each number, in the colours of the page.
// Colours: 0 is paper; letters go to ink; positive numbers go to the accent, negative ones to ink.

let colours = null;

// The page's colours as red, green and blue; read again after the theme changes.
export function forgetColours() {
  colours = null;
}

function readColours() {
  if (colours) return colours;
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const probe = document.body.appendChild(document.createElement("span"));
  const read = (name) => {
    probe.style.color = `var(${name})`;
    context.fillStyle = getComputedStyle(probe).color;
    context.fillRect(0, 0, 1, 1);
    return Array.from(context.getImageData(0, 0, 1, 1).data.subarray(0, 3));
  };
  colours = { paper: read("--field"), ink: read("--ink"), accent: read("--accent") };
  probe.remove();
  return colours;
}

// One of the page's colours, "paper", "ink" or "accent", for a canvas.
export const readColour = (name) => `rgb(${readColours()[name].join()})`;

// Width and height of the picture of n numbers: 1800 are 45x40, 900 are 30x30, few are one row.
export function findShape(n) {
  if (n === 900) return [30, 30];
  if (n <= 40) return [n, 1];
  const width = Math.ceil(Math.sqrt(n * 1.125));
  return [width, Math.ceil(n / width)];
}

// The largest absolute value, or 1 if all are 0.
export function findLargest(values) {
  let largest = 0;
  for (let i = 0; i < values.length; i += 1) largest = Math.max(largest, Math.abs(values[i]));
  return largest || 1;
}

// Paint numbers on a canvas. `most` is the number with the full colour; `positive` chooses the colour of numbers above 0.
export function paint(canvas, values, { shape = findShape(values.length), most = 1, positive = "accent" } = {}) {
  const { paper, ink, accent } = readColours();
  const [width, height] = shape;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const above = positive === "ink" ? ink : accent;
  for (let i = 0; i < values.length; i += 1) {
    const share = Math.max(-1, Math.min(1, values[i] / most)) || 0;
    const target = share < 0 ? ink : above;
    const size = Math.abs(share);
    for (let c = 0; c < 3; c += 1) image.data[4 * i + c] = paper[c] + size * (target[c] - paper[c]);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// A canvas with a name for readers who cannot see it.
export function makePicture(name, values, options = {}) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", name);
  canvas.className = options.class || "pixels";
  return values ? paint(canvas, values, options) : canvas;
}
