// Arrays of the page: from base64 and deflate to typed arrays (packing.py packs them).
// Shapes: packed {dtype, shape, data, scale?}; the result is a flat array, row by row.

const KINDS = { float32: Float32Array, uint8: Uint8Array, float16: Uint16Array };

function decodeBase64(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

// The value of every 16-bit floating-point number (IEEE 754-2008, binary16), times a scale.
function makeHalfTable(scale) {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits += 1) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = (bits & 1023) / 1024;
    const size = exponent === 0 ? fraction * 2 ** -14 : exponent === 31 ? NaN : (1 + fraction) * 2 ** (exponent - 15);
    table[bits] = sign * size * scale;
  }
  return table;
}

// Unpack one array: Float32Array for both kinds of floats, Uint8Array for levels.
export async function unpack(packed) {
  const stream = new Blob([decodeBase64(packed.data)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const values = new KINDS[packed.dtype](await new Response(stream).arrayBuffer());
  if (packed.dtype !== "float16") return values;
  const table = makeHalfTable(packed.scale);
  return Float32Array.from(values, (bits) => table[bits]);
}

// Letters {images: Uint8Array [N, 900], labels [N], count}.
export async function unpackLetters(packed) {
  return { images: await unpack(packed.images), labels: Uint8Array.from(packed.labels), count: packed.labels.length };
}

// Letter number i as numbers in 0..1, ink 1: Float64Array [900].
export function takeLetter(letters, i) {
  return Float64Array.from(letters.images.subarray(900 * i, 900 * (i + 1)), (level) => level / 255);
}
