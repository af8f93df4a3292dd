// The thread that says whether a letter is unlike those that were learned: making a Likeness takes a while.
// Messages to it: {train, test} first, then {letter}; it answers each letter with true or false.

import { Likeness } from "play/likeness";

let likeness = null;

onmessage = ({ data: { train, test, letter } }) => {
  if (letter) postMessage(likeness.isUnlike(letter));
  else likeness = new Likeness(train, test);
};
