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

// One of the page's networks as it was given; it is unpacked when it is first needed.
export function takeNetwork(number) {
  if (!originals.has(number)) originals.set(number, unpackNetwork(app.data.networks[number]));
  return originals.get(number);
}

// Choose one of the page's networks, with the weights that it was given.
export async function chooseNetwork(number) {
  const original = await takeNetwork(number);
  Object.assign(app, { number, about: app.data.networks[number], network: copyNetwork(original) });
  state.set("net", number || null);
  tell("network");
}

// Choose another network than the link did: what the link holds of the network before is forgotten.
export function switchNetwork(number) {
  for (const name of ["rate", "rule", "T", "unit", "snapshot"]) state.set(name, null);
  return chooseNetwork(number);
}

// Give the network its first weights back.
export const resetNetwork = () => chooseNetwork(app.number);

export function setLetter(letter) {
  app.letter = letter;
  tell("letter");
}

export const findRule = (name) => app.rules.find((rule) => rule.name === name);
