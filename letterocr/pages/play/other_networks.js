// What the other networks of the page read in the same letter, side by side with the chosen one.

import { app, switchNetwork, takeNetwork } from "play/app";
import { Columns } from "play/columns";
import { fill, format, make, makeButton } from "play/dom";
import { forward } from "play/network";

export class OtherNetworks {
  constructor(place) {
    Object.assign(this, { place, cards: [] });
  }

  // One card for each network that is not chosen; they are empty until a letter is shown.
  async prepare() {
    const numbers = app.data.networks.map((_, number) => number).filter((number) => number !== app.number);
    this.cards = [];
    const networks = await Promise.all(numbers.map(takeNetwork));
    this.cards = numbers.map((number, i) => {
      const { label } = app.data.networks[number];
      const [told, chart] = [make("p", { class: "verdict" }), make("div", { class: "low" })];
      const columns = new Columns(chart, app.alphabet, { name: `Outputs of the network ${label}` });
      const choose = makeButton("Look into this network", () => switchNetwork(number));
      const card = make("div", { class: "card" }, make("h2", { text: `In comparison: ${label}` }), told, chart, make("div", { class: "row" }, choose));
      return { network: networks[i], told, columns, card };
    });
    fill(this.place, ...this.cards.map(({ card }) => card));
    this.show();
  }

  show() {
    const { letter, alphabet } = app;
    for (const { network, told, columns } of this.cards) {
      const q = forward(network, [letter.values]).at(-1);
      const [first, second] = columns.show(q);
      if (letter.blank) fill(told, "There is no letter to read.");
      else fill(told, "Reads ", make("strong", { text: alphabet[first] }), ` (${format(q[first])}); the next is ${alphabet[second]} (${format(q[second])}).`);
    }
  }
}
