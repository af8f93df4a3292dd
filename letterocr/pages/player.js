// A slider through frames with a button that plays them; the page of a run and the play page use it.

// Milliseconds between frames; readers who want reduced motion get more time for each change.
const FRAME = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1500 : 500;

// Make a player of `count` frames that begins at frame `place`. `show(i)` shows frame i and returns its name and a
// sentence on it for readers who cannot see it.
export function makePlayer(count, place, show) {
  const element = document.createElement("div");
  const [button, label, slider, name] = ["button", "label", "input", "output"].map((tag) => document.createElement(tag));
  Object.assign(slider, { type: "range", min: 0, max: count - 1, value: place });
  let timer = 0;
  const move = (next) => {
    slider.value = next;
    const [title, said] = show(next);
    name.textContent = title;
    slider.setAttribute("aria-valuetext", said);
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "Play";
  };
  const step = () => {
    if (!element.getClientRects().length) return stop(); // the reader has gone to another view
    const next = Number(slider.value) + 1;
    if (next < count) move(next);
    if (next >= count - 1) stop();
  };
  button.type = "button";
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (Number(slider.value) === count - 1) move(0);
    button.textContent = "Pause";
    timer = setInterval(step, FRAME);
  });
  slider.addEventListener("input", () => {
    stop();
    move(Number(slider.value));
  });
  label.append("Training ", slider);
  element.className = "controls";
  element.append(button, label, name);
  stop();
  move(place);
  return element;
}
