// Strokes on a canvas, drawn so that a long stroke takes no longer than a short one: what can't change any more is kept
// on a second canvas, and only the end of the last stroke is drawn again.

const SEGMENTS = 24; // of a stroke that are drawn as one line

// The lines of strokes, in order: each begins where the one before ends.
function cutIntoLines(strokes) {
  return strokes.flatMap(({ width, points }) => {
    const lines = [];
    for (let i = 0; i === 0 || i + 1 < points.length; i += SEGMENTS) {
      lines.push({ width, points: points.slice(i, i + SEGMENTS + 1) });
    }
    return lines;
  });
}

export class StrokeCanvas {
  constructor(canvas, options) {
    Object.assign(this, { canvas, context: canvas.getContext("2d", options), strokes: null, done: 0, look: "" });
    this.kept = document.createElement("canvas");
    this.keptContext = this.kept.getContext("2d", options);
  }

  // Draw strokes in a colour, scaled and moved, over a background (nothing, for a canvas that one looks through).
  // An array of strokes that was drawn before has grown at its end only.
  draw(strokes, { size, scale, offset, colour, background = null }) {
    const look = [size, colour].join();
    if (this.strokes !== strokes || this.look !== look) {
      Object.assign(this, { strokes, look, done: 0 });
      for (const canvas of [this.canvas, this.kept]) {
        if (canvas.width !== size || canvas.height !== size) Object.assign(canvas, { width: size, height: size });
      }
      for (const context of [this.context, this.keptContext]) {
        Object.assign(context, { lineCap: "round", lineJoin: "round", strokeStyle: colour, fillStyle: background ?? "#fff" });
      }
      this.keptContext.clearRect(0, 0, size, size);
      if (background) this.keptContext.fillRect(0, 0, size, size);
    }
    const lines = cutIntoLines(strokes);
    for (; this.done < lines.length - 1; this.done += 1) drawLine(this.keptContext, lines[this.done], scale, offset);
    this.context.clearRect(0, 0, size, size);
    this.context.drawImage(this.kept, 0, 0);
    if (lines.length) drawLine(this.context, lines.at(-1), scale, offset);
  }
}

function drawLine(context, { width, points }, scale, offset) {
  context.lineWidth = width * scale;
  context.beginPath();
  points.forEach(([x, y], i) => {
    const [u, v] = [x * scale + offset, y * scale + offset];
    if (i) context.lineTo(u, v);
    else context.moveTo(u, v);
  });
  if (points.length === 1) context.lineTo(points[0][0] * scale + offset + 0.01, points[0][1] * scale + offset);
  context.stroke();
}
