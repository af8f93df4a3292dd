// What all views share: the letters, the alphabet matrix, the chosen network and the letter that is read.
// Shapes: letter values Float64Array [900]; A Float32Array [900, classes].

import { copyNetwork, unpackNetwork } from "play/network";
import * as state from "play/state";
import { unpack, unpackLetters } from "play/unpack";

export const app = { letter: { values: new Float64Array(900), label: null, name: "no letter", blank: true } };
const listeners = [];
const originals = new Map();

// Call `listener(what)` after a change of "network", "weights", "letter" or "theme".
export const listen = (listener) => listeners.push(listener);

export function tell(what) {
  for (const listener of listeners) listener(what);
}

// Unpack the data of the page.
export async function load(data) {
  const [train, test, A] = await Promise.all([
    unpackLetters(data.train), unpackLetters(data.test), unpack(data.matrix.A),
  ]);
  Object.assign(app, { data, alphabet: data.alphabet, box: data.box, rules: data.rules, train, test, A });
  app.ranks = data.matrix.ranks;
  await chooseNetwork(state.getNumber("net", 0, 0, data.networks.length - 1));
}

// Choose one of the page's networks, with the weights that it was given or learned here.
export async function chooseNetwork(number) {
  app.number = number;
  app.about = app.data.networks[number];
  if (!originals.has(number)) originals.set(number, await unpackNetwork(app.about));
  app.network = app.network?.number === number ? app.network : { ...copyNetwork(originals.get(number)), number };
  state.set("net", number || null);
  tell("network");
}

// Give the network its first weights back.
export function resetNetwork() {
  const { temperature } = app.network;
  app.network = { ...copyNetwork(originals.get(app.number)), number: app.number, temperature };
  tell("network");
}

export function setLetter(letter) {
  app.letter = letter;
  tell("letter");
}

export const findRule = (name) => app.rules.find((rule) => rule.name === name);
