// The letter in a picture: its ink, cropped, scaled and centred as the network takes it (data/ink.py, plain paper).
// Shapes: levels Float32Array [height, width], 0 black and 1 white; letter Float64Array [900], ink 1.

import { findPieces, keepLetter, roundHalfEven } from "play/pieces";

export const SIDE = 30;
const LEAST_CONTRAST = 0.1; // a picture with less contrast is blank
let scratch = { size: 0 }; // arrays that are used again for each picture of one size: a new one sixty times a second is slow

function takeScratch(size) {
  if (scratch.size === size) return scratch;
  const [contrast, steps, ink] = [new Float32Array(size), new Uint8Array(size), new Uint8Array(size)];
  scratch = { size, contrast, steps, ink, labels: new Int32Array(size), stack: new Int32Array(size) };
  return scratch;
}

// The letter in a picture, or null if it is blank: {letter, share: of the picture's pixels that are ink}.
export function normalise(levels, width, height, box) {
  const paper = takeBorderMedian(levels, width, height);
  const count = levels.length;
  const { contrast, steps, ink, labels, stack } = takeScratch(count);
  let largest = 0;
  for (let i = 0; i < count; i += 1) {
    contrast[i] = Math.abs(levels[i] - paper);
    if (contrast[i] > largest) largest = contrast[i];
  }
  if (largest < LEAST_CONTRAST) return null;
  for (let i = 0; i < count; i += 1) {
    contrast[i] /= largest;
    steps[i] = Math.fround(contrast[i] * 255);
  }
  const threshold = findThreshold(steps);
  for (let i = 0; i < count; i += 1) ink[i] = steps[i] > threshold ? 1 : 0;
  const found = findPieces(ink, { width, height, labels: labels.fill(0), stack });
  found.pieces = keepLetter(found);
  const area = found.pieces.reduce((sum, piece) => sum + piece.area, 0);
  return { letter: cutLetter(contrast, found, box), share: area / count };
}

// The level of even paper: the middle one of the pixels at the border.
function takeBorderMedian(levels, width, height) {
  const border = [];
  for (let y = 0; y < height; y += 1) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1);
    for (let x = 0; x < width; x += step) border.push(levels[y * width + x]);
  }
  return border.sort((a, b) => a - b)[border.length >> 1];
}

// The level that best separates ink from paper: the largest variance between the two (Otsu 1979).
function findThreshold(steps) {
  const counts = new Float64Array(256);
  for (let i = 0; i < steps.length; i += 1) counts[steps[i]] += 1;
  let whole = 0;
  for (let level = 0; level < 256; level += 1) whole += counts[level] * level;
  let [below, sum, best] = [0, 0, -1];
  let levels = [];
  for (let level = 0; level < 255; level += 1) {
    below += counts[level];
    sum += counts[level] * level;
    const above = steps.length - below;
    if (!below || !above) continue;
    const between = below * above * (sum / below - (whole - sum) / above) ** 2;
    if (between > best) [best, levels] = [between, [level]];
    else if (between === best) levels.push(level);
  }
  return levels[levels.length >> 1];
}

// Crop the ink, scale its longer side to `box` pixels, and centre it in 30x30.
function cutLetter(contrast, { labels, width, pieces, count }, box) {
  const left = Math.min(...pieces.map((piece) => piece.left));
  const top = Math.min(...pieces.map((piece) => piece.top));
  const right = Math.max(...pieces.map((piece) => piece.right));
  const bottom = Math.max(...pieces.map((piece) => piece.bottom));
  const [across, down] = [right - left, bottom - top];
  const kept = new Uint8Array(count + 1);
  for (const piece of pieces) kept[piece.number] = 1;
  const crop = new Float64Array(across * down);
  const copy = (x, y) => {
    if (x >= 0 && y >= 0 && x < across && y < down) crop[y * across + x] = contrast[(top + y) * width + left + x];
  };
  for (let y = 0; y < down; y += 1) {
    let first = 0; // of this row that is not copied
    for (let x = 0; x < across; x += 1) {
      if (!kept[labels[(top + y) * width + left + x]]) continue;
      // One pixel more than the ink keeps the soft edge of the strokes.
      for (let u = Math.max(first, x - 1); u <= x + 1; u += 1) for (let v = y - 1; v <= y + 1; v += 1) copy(u, v);
      first = x + 2;
    }
  }
  const scale = box / Math.max(across, down);
  const [newAcross, newDown] = [across, down].map((side) => Math.max(1, roundHalfEven(side * scale)));
  const drawn = resize(crop, across, down, newAcross, newDown);
  const peak = drawn.reduce((a, b) => Math.max(a, b), 0);
  const letter = new Float64Array(SIDE * SIDE);
  const [startX, startY] = [(SIDE - newAcross) >> 1, (SIDE - newDown) >> 1];
  for (let y = 0; y < newDown; y += 1) {
    for (let x = 0; x < newAcross; x += 1) {
      letter[(startY + y) * SIDE + startX + x] = drawn[y * newAcross + x] / peak;
    }
  }
  return letter;
}

// Bilinear scaling with a triangle filter as wide as the scale, so that no pixel is skipped.
function resize(image, width, height, newWidth, newHeight) {
  const rows = makeFilters(width, newWidth);
  const columns = makeFilters(height, newHeight);
  const between = new Float64Array(newWidth * height);
  for (let y = 0; y < height; y += 1) {
    rows.forEach(({ start, weights }, x) => {
      let sum = 0;
      for (let i = 0; i < weights.length; i += 1) sum += weights[i] * image[y * width + start + i];
      between[y * newWidth + x] = sum;
    });
  }
  const scaled = new Float64Array(newWidth * newHeight);
  columns.forEach(({ start, weights }, y) => {
    for (let x = 0; x < newWidth; x += 1) {
      let sum = 0;
      for (let i = 0; i < weights.length; i += 1) sum += weights[i] * between[(start + i) * newWidth + x];
      scaled[y * newWidth + x] = sum;
    }
  });
  return scaled;
}

// For each new pixel: the first old pixel that counts, and the weights from there.
function makeFilters(size, newSize) {
  const scale = size / newSize;
  const support = Math.max(scale, 1);
  return Array.from({ length: newSize }, (_, place) => {
    const centre = scale * (place + 0.5);
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(size, Math.trunc(centre + support + 0.5));
    const weights = [];
    for (let j = start; j < end; j += 1) weights.push(Math.max(0, 1 - Math.abs((j - centre + 0.5) / support)));
    const total = weights.reduce((a, b) => a + b, 0);
    return { start, weights: weights.map((weight) => weight / total) };
  });
}
