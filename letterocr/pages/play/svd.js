// The singular value decomposition A = U S V^T by rotations of pairs of columns (Hestenes 1958, one-sided Jacobi).
// Shapes: A [m, n] row by row, m >= n; U is n columns [m], sigma [n] the largest first, V is n columns [n].

const [SWEEPS, TINY] = [40, 1e-14];

export function decompose(A, m, n) {
  const columns = Array.from({ length: n }, (_, j) => Float64Array.from({ length: m }, (__, i) => A[i * n + j]));
  const turns = Array.from({ length: n }, (_, j) => Float64Array.from({ length: n }, (__, i) => Number(i === j)));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    let turned = false;
    for (let p = 0; p < n - 1; p += 1) {
      for (let q = p + 1; q < n; q += 1) turned = rotate(columns, turns, p, q) || turned;
    }
    if (!turned) break;
  }
  const lengths = columns.map((column) => Math.hypot(...column));
  const order = [...lengths.keys()].sort((i, j) => lengths[j] - lengths[i]);
  return {
    sigma: Float64Array.from(order, (j) => lengths[j]),
    U: order.map((j) => columns[j].map((value) => (lengths[j] ? value / lengths[j] : 0))),
    V: order.map((j) => turns[j]),
  };
}

// Turn columns p and q so that they stand at a right angle; return whether they did not.
function rotate(columns, turns, p, q) {
  let [pp, qq, pq] = [0, 0, 0];
  const [x, y] = [columns[p], columns[q]];
  for (let i = 0; i < x.length; i += 1) {
    pp += x[i] * x[i];
    qq += y[i] * y[i];
    pq += x[i] * y[i];
  }
  if (Math.abs(pq) <= TINY * Math.sqrt(pp * qq)) return false;
  const zeta = (qq - pp) / (2 * pq);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  for (const [one, two] of [[x, y], [turns[p], turns[q]]]) {
    for (let i = 0; i < one.length; i += 1) {
      const value = one[i];
      one[i] = cosine * value - cosine * tangent * two[i];
      two[i] = cosine * tangent * value + cosine * two[i];
    }
  }
  return true;
}

// The first r terms of U S V^T: [m, n] row by row (13).
export function reconstruct({ U, sigma, V }, r, m, n) {
  const A = new Float64Array(m * n);
  for (let k = 0; k < r; k += 1) {
    for (let i = 0; i < m; i += 1) for (let j = 0; j < n; j += 1) A[i * n + j] += U[k][i] * sigma[k] * V[k][j];
  }
  return A;
}

// The left inverse from the first r terms, applied to a: V S^-1 U^T a, [n] (8).
export function applyInverse({ U, sigma, V }, r, a) {
  const q = new Float64Array(V.length);
  for (let k = 0; k < r && sigma[k] > TINY * sigma[0]; k += 1) {
    let coordinate = 0;
    for (let i = 0; i < a.length; i += 1) coordinate += U[k][i] * a[i];
    for (let j = 0; j < q.length; j += 1) q[j] += (V[k][j] * coordinate) / sigma[k];
  }
  return q;
}
