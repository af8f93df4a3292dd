// The start of the page: its data, its views as tabs, the choice of network and of colours.

import { app, listen, load, switchNetwork, tell } from "play/app";
import { fill, find, make, makeButton, makeSelect } from "play/dom";
import * as learn from "play/learn_view";
import * as matrices from "play/matrices_view";
import { forgetColours } from "play/pictures";
import * as playback from "play/playback_view";
import * as race from "play/race_view";
import * as read from "play/read_view";
import * as state from "play/state";

const VIEWS = { read, learn, race, matrices, playback };
const started = new Set();

function show(name, focus = false) {
  for (const view of Object.keys(VIEWS)) {
    const tab = find(`tab-${view}`);
    tab.setAttribute("aria-selected", String(view === name));
    tab.tabIndex = view === name ? 0 : -1;
    find(view).hidden = view !== name;
    if (view === name && focus) tab.focus();
  }
  state.set("view", name);
  if (!started.has(name)) {
    started.add(name);
    VIEWS[name].start();
  }
  VIEWS[name].redraw();
}

function makeTabs() {
  const names = Object.keys(VIEWS);
  names.forEach((name, i) => {
    const tab = find(`tab-${name}`);
    tab.addEventListener("click", () => show(name));
    tab.addEventListener("keydown", (event) => {
      const next = { ArrowRight: names[i + 1], ArrowLeft: names[i - 1], Home: names[0], End: names.at(-1) }[event.key];
      if (next) show(next, true);
    });
  });
}

function redrawAll() {
  forgetColours();
  tell("theme");
  for (const name of started) if (!find(name).hidden) VIEWS[name].redraw();
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  state.set("theme", theme);
  redrawAll();
}

function makeChoices() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const toggle = makeButton("Light or dark", () => {
    const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
    setTheme(now === "dark" ? "light" : "dark");
  });
  const labels = app.data.networks.map(({ label }, i) => [i, label]);
  const choice = makeSelect("Network", labels, app.number, (value) => switchNetwork(Number(value)));
  listen((what) => {
    if (what === "network") choice.querySelector("select").value = app.number;
  });
  fill(find("choices"), choice, toggle);
  dark.addEventListener("change", redrawAll);
}

function showNotes() {
  fill(find("notes"), ...app.about.notes.map((note) => make("p", { class: "note", text: note })));
}

async function start() {
  const problem = find("problem");
  if (typeof DecompressionStream === "undefined" || typeof Worker === "undefined") return;
  problem.textContent = "Unpacking the weights …";
  problem.removeAttribute("role");
  state.readFragment();
  const theme = state.get("theme", "");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  await load(JSON.parse(find("data").textContent));
  listen((what) => what === "network" && showNotes());
  showNotes();
  makeTabs();
  makeChoices();
  read.start();
  started.add("read");
  const view = state.get("view", "read");
  show(view in VIEWS ? view : "read");
  problem.remove();
  addEventListener("resize", redrawAll);
  addEventListener("hashchange", () => location.reload());
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  find("problem").textContent = `The page could not start: ${error.message}. Make it again with letterocr play.`;
  throw error;
});
