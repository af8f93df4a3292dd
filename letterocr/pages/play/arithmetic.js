// Letter arithmetic (9): sums of mean letters, their distance from each letter, and the search for the nearest sum.
// Shapes: A [m, n] row by row, n letters; terms [[coefficient, letter], ...]; gram = A^T A [n, n] row by row.

const COEFFICIENTS = [-2, -1, 1, 2];

export const takeColumn = (A, m, n, j) => Float64Array.from({ length: m }, (_, i) => A[i * n + j]);

export function addTerms(A, m, n, terms) {
  const sum = new Float64Array(m);
  for (const [coefficient, letter] of terms) for (let i = 0; i < m; i += 1) sum[i] += coefficient * A[i * n + letter];
  return sum;
}

// |sum - a_k| / |a_k| for every letter k: [n].
export function findResiduals(A, m, n, sum) {
  return Float64Array.from({ length: n }, (_, k) => {
    let [apart, length] = [0, 0];
    for (let i = 0; i < m; i += 1) {
      apart += (sum[i] - A[i * n + k]) ** 2;
      length += A[i * n + k] ** 2;
    }
    return Math.sqrt(apart / length);
  });
}

export function makeGram(A, m, n) {
  const gram = new Float64Array(n * n);
  for (let i = 0; i < m; i += 1) {
    for (let j = 0; j < n; j += 1) for (let k = 0; k < n; k += 1) gram[j * n + k] += A[i * n + j] * A[i * n + k];
  }
  return gram;
}

// The sum of `size` letters with coefficients -2, -1, 1, 2 that is nearest to letter k, by trying every one:
// |sum c_i a_i - a_k|^2 = c^T G c - 2 c^T g_k + g_kk.
export function findNearest(gram, n, k, size) {
  let best = { terms: [], square: Infinity };
  const terms = [];
  const extend = (first, square) => {
    if (terms.length === size) {
      if (square < best.square - 1e-12) best = { terms: terms.map((term) => [...term]), square };
      return;
    }
    for (let letter = first; letter < n; letter += 1) {
      if (letter === k) continue;
      for (const c of COEFFICIENTS) {
        let more = c * c * gram[letter * n + letter] - 2 * c * gram[letter * n + k];
        for (const [other, before] of terms) more += 2 * c * other * gram[letter * n + before];
        terms.push([c, letter]);
        extend(letter + 1, square + more);
        terms.pop();
      }
    }
  };
  extend(0, gram[k * n + k]);
  return { terms: best.terms, residual: Math.sqrt(Math.max(0, best.square) / gram[k * n + k]) };
}
