// The state of the page, in the fragment of its address, so that a link holds it: #view=read&net=0&...

const values = new Map();
let waiting = 0;

export function readFragment() {
  values.clear();
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) values.set(name, value);
}

export const get = (name, otherwise) => values.get(name) ?? otherwise;

export function getNumber(name, otherwise, low, high) {
  const number = Number(values.get(name) ?? NaN);
  return Number.isFinite(number) ? Math.max(low, Math.min(high, number)) : otherwise;
}

// Set one value; null removes it. The address follows at once, but at most ten times a second.
export function set(name, value) {
  if (value === null || value === "") values.delete(name);
  else values.set(name, String(value));
  if (!waiting) waiting = setTimeout(writeFragment, 100);
}

export function writeFragment() {
  clearTimeout(waiting);
  waiting = 0;
  const text = new URLSearchParams([...values]).toString();
  if (text !== location.hash.slice(1)) history.replaceState(null, "", `#${text}`);
}
