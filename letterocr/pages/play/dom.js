// Elements of the page, made and found in few words.

// An element: attributes as in HTML; functions are listeners; `text` is its text.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "text") element.textContent = value;
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export const find = (id) => document.getElementById(id);

// Replace what an element holds.
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null));
  return element;
}

// A <select> with a label; choices are [value, text].
export function makeSelect(label, choices, value, change) {
  const select = make("select", { change: () => change(select.value) });
  for (const [choice, text] of choices) {
    select.append(make("option", { value: choice, text, selected: String(choice) === String(value) }));
  }
  return make("label", { class: "field" }, make("span", { text: label }), select);
}

// A slider with a label and its value in words.
export function makeSlider(label, { low, high, step, value, show = String }, change) {
  const output = make("output", { text: show(value) });
  const input = make("input", { type: "range", min: low, max: high, step, value, "aria-label": label });
  input.addEventListener("input", () => {
    output.textContent = show(Number(input.value));
    change(Number(input.value));
  });
  return make("label", { class: "field" }, make("span", {}, `${label} `, output), input);
}

export function makeButton(text, click, attributes = {}) {
  return make("button", { type: "button", text, click, ...attributes });
}

const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 6 }); // made once: making it takes long

// A number in few digits: 0.0312, 12.3, 1.2e5.
export function format(value) {
  if (!Number.isFinite(value)) return "not finite";
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size >= 1e5 || size < 1e-4) return value.toExponential(1).replace("e+", "e").replace("-", "−");
  return NUMBERS.format(Number(value.toPrecision(3))).replace("-", "−");
}

export const percent = (share) => `${(100 * share).toFixed(1)} %`;
