// Connected pieces of ink, and which of them belong to one letter (data/pieces.py does the same).
// Shapes: ink Uint8Array [height, width], 1 for ink; labels Int32Array [height, width], 0 for paper, k + 1 for piece k.

const SPECK = 0.02; // of the largest piece's area; smaller pieces are dirt
const SMALL = 0.5; // of the largest piece's length; smaller pieces that lie apart are no part of a letter
const APART = 0.15; // of the largest piece's length: the gap to a piece that lies apart
const BESIDE = 0.05; // of the main piece's length: a blob that is nearer belongs to the letter

// Pieces that touch at sides or corners: {width, labels, count, pieces: [{number, left, top, right, bottom, area}]}. The
// labels are all 0 at first; the stack is an array of the same size.
export function findPieces(ink, { width, height, labels, stack }) {
  const pieces = [];
  for (let first = 0; first < ink.length; first += 1) {
    if (ink[first] && !labels[first]) pieces.push(follow(first, pieces.length + 1, { ink, labels, stack, width, height }));
  }
  const largest = pieces.reduce((area, piece) => Math.max(area, piece.area), 0);
  const kept = pieces.filter((piece) => piece.area >= SPECK * largest);
  return { width, labels, count: pieces.length, pieces: kept };
}

// Number all ink that is connected to one pixel.
function follow(first, number, { ink, labels, stack, width, height }) {
  let [left, top, right, bottom, area, size] = [width, height, 0, 0, 0, 0];
  stack[size++] = first;
  labels[first] = number;
  while (size) {
    const place = stack[--size];
    const y = Math.floor(place / width);
    const x = place - y * width;
    area += 1;
    if (x < left) left = x;
    if (x >= right) right = x + 1;
    if (y < top) top = y;
    if (y >= bottom) bottom = y + 1;
    const [lowX, highX] = [x ? -1 : 0, x < width - 1 ? 1 : 0];
    for (let v = y ? -1 : 0; v <= (y < height - 1 ? 1 : 0); v += 1) {
      for (let u = lowX; u <= highX; u += 1) {
        const near = place + v * width + u;
        if (ink[near] && !labels[near]) {
          labels[near] = number;
          stack[size++] = near;
        }
      }
    }
  }
  return { number, left, top, right, bottom, area };
}

const sideX = (piece) => piece.right - piece.left;
const sideY = (piece) => piece.bottom - piece.top;
const lengthOf = (piece) => Math.max(sideX(piece), sideY(piece));

function findLongest(pieces) {
  return pieces.reduce((main, piece) => (lengthOf(piece) > lengthOf(main) ? piece : main));
}

// The gap between the boxes of two pieces; 0 if they meet.
function measureGap(one, two) {
  const x = Math.max(one.left, two.left) - Math.min(one.right, two.right);
  const y = Math.max(one.top, two.top) - Math.min(one.bottom, two.bottom);
  return Math.max(0, x, y);
}

// Keep the pieces of one letter: no frames, blobs or underlines, and nothing small that lies apart.
export function keepLetter(found) {
  let { pieces } = found;
  for (const drop of [dropFrames, dropBlobs, dropUnderlines, dropApart]) {
    if (pieces.length > 1) pieces = drop(pieces, found);
  }
  return pieces;
}

function dropFrames(pieces, found) {
  const kept = pieces.filter((piece) => {
    const inside = (p) =>
      p.left > piece.left && p.top > piece.top && p.right < piece.right && p.bottom < piece.bottom;
    if (!pieces.some((p) => inside(p) && lengthOf(p) > 0.2 * lengthOf(piece))) return true;
    return !isFrame(piece, found);
  });
  return kept.length ? kept : pieces;
}

// Whether a piece runs along all four sides of its box and leaves the middle free.
function isFrame(piece, { labels, width }) {
  const [across, down] = [sideX(piece), sideY(piece)];
  const [nearX, nearY] = [Math.max(1, roundHalfEven(0.12 * across)), Math.max(1, roundHalfEven(0.12 * down))];
  const own = (x, y) => labels[(piece.top + y) * width + piece.left + x] === piece.number;
  let middle = 0;
  const [top, bottom] = [new Uint8Array(across), new Uint8Array(across)];
  const [left, right] = [new Uint8Array(down), new Uint8Array(down)];
  for (let y = 0; y < down; y += 1) {
    for (let x = 0; x < across; x += 1) {
      if (!own(x, y)) continue;
      if (y < nearY) top[x] = 1;
      if (y >= down - nearY) bottom[x] = 1;
      if (x < nearX) left[y] = 1;
      if (x >= across - nearX) right[y] = 1;
      if (y >= nearY && y < down - nearY && x >= nearX && x < across - nearX) middle += 1;
    }
  }
  const mean = (side) => side.reduce((sum, value) => sum + value, 0) / side.length;
  return middle < 0.1 * piece.area && Math.min(...[top, bottom, left, right].map(mean)) >= 0.6;
}

// Round or square pieces without strokes go, if others have strokes: punch holes, stains.
function dropBlobs(pieces) {
  const isBlob = (p) =>
    lengthOf(p) < 2.2 * Math.min(sideX(p), sideY(p)) && p.area > 0.68 * sideX(p) * sideY(p);
  const strokes = pieces.filter((piece) => !isBlob(piece));
  if (!strokes.length) return pieces;
  const main = findLongest(strokes);
  return pieces.filter((piece) => !isBlob(piece) || measureGap(piece, main) <= BESIDE * lengthOf(main));
}

// Flat strokes below or above everything else that are at least as wide as it.
function dropUnderlines(pieces) {
  const ratios = pieces.map((piece) => piece.area / lengthOf(piece)).sort((a, b) => a - b);
  const half = ratios.length >> 1;
  const pen = ratios.length % 2 ? ratios[half] : (ratios[half - 1] + ratios[half]) / 2;
  for (const piece of [...pieces].sort((one, two) => two.bottom - one.bottom)) {
    if (sideX(piece) < 4.5 * sideY(piece)) break;
    const rest = pieces.filter((other) => other !== piece);
    if (!rest.length) break;
    const left = Math.min(...rest.map((p) => p.left));
    const right = Math.max(...rest.map((p) => p.right));
    const gap = piece.top - Math.max(...rest.map((p) => p.bottom));
    const beyond = 0.15 * (right - left);
    const wide = piece.left <= left + beyond && piece.right >= right - beyond;
    const high = Math.max(...rest.map(sideY)) > 2 * sideY(piece);
    if (gap > 0.3 * Math.min(pen, sideY(piece)) && wide && high) return dropUnderlines(rest);
  }
  return pieces;
}

function dropApart(pieces) {
  const main = findLongest(pieces);
  return pieces.filter(
    (p) => measureGap(p, main) <= APART * lengthOf(main) || lengthOf(p) >= SMALL * lengthOf(main),
  );
}

// Python's round: halves go to the even neighbour.
export function roundHalfEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}
