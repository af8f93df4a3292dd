// Arrays of the page: from base64 and deflate to typed arrays (packing.py packs them).
// Shapes: packed {dtype, shape, data}; the result is a flat array, row by row.

const KINDS = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array };

function decodeBase64(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

// Unpack one array, row by row.
export async function unpack({ dtype, data }) {
  const stream = new Blob([decodeBase64(data)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new KINDS[dtype](await new Response(stream).arrayBuffer());
}

// Unpack a weight matrix: 16-bit integers times the scale of their row.
export async function unpackWeights(packed) {
  const [steps, scales] = [await unpack(packed), await unpack(packed.scales)];
  const columns = packed.shape[1];
  const weights = new Float32Array(steps.length);
  for (let i = 0; i < steps.length; i += 1) weights[i] = steps[i] * scales[Math.floor(i / columns)];
  return weights;
}

// Letters {images: Uint8Array [N, 900], labels [N], count}.
export async function unpackLetters(packed) {
  return { images: await unpack(packed.images), labels: Uint8Array.from(packed.labels), count: packed.labels.length };
}

// Letter number i as numbers in 0..1, ink 1: Float64Array [900].
export function takeLetter(letters, i) {
  return Float64Array.from(letters.images.subarray(900 * i, 900 * (i + 1)), (level) => level / 255);
}
