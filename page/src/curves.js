// What is plotted of a network: its memory step by step, and what its units see, layer by layer.

import { h } from "./dom.js";
import { plain, short } from "./numbers.js";
import { Plot } from "./plots.js";

export class Plots {
  constructor(view) {
    this.view = view;
    this.memory = new Plot({
      title: "Memory over the steps",
      text: (value) => short(value, "BYTES"),
      about: "Bytes of activations that are alive while each layer runs at inference.",
      onchoose: (n) => this.#choose(view.live.steps[n]),
    });
    this.growth = new Plot({
      title: "Growth of the receptive field",
      text: (value) => short(value, ""),
      about: "Input pixels that a unit of each layer sees by convolutions and pools alone.",
      onchoose: (n) => this.#choose(view.live.layers[n].name),
    });
    this.element = h("div", { class: "plots" }, this.memory.element, this.growth.element);
  }

  #choose(name) {
    const item = this.view.live.tree.called(name ?? "");
    if (item) this.view.reveal(item);
  }

  update() {
    const { live, chosen } = this.view;
    const number = chosen?.type === "layer" ? chosen.layers[0] : null;
    this.#memory(live, number === null ? null : live.layers[number].name);
    this.#growth(live, number);
  }

  #memory(live, chosen) {
    const values = live.problem === null ? (live.now.memory?.steps ?? []).map(plain) : [];
    this.memory.element.hidden = !values.length;
    const names = live.steps;
    const most = values.reduce((a, b) => Math.max(a, b), 0);
    const at = chosen === null ? -1 : names.indexOf(chosen);
    this.memory.show([{ values, name: "", kind: "first" }], {
      names,
      chosen: at < 0 ? null : at,
      note: `Peak: ${short(most, "BYTES")} at ${names[values.indexOf(most)] ?? ""}.`,
    });
  }

  #growth(live, chosen) {
    const input = live.network.inputs[0] ? live.inputShape(live.network.inputs[0].name) : [];
    const lines = live.problem === null ? fieldLines(live, input) : [];
    this.growth.element.hidden = !lines.length;
    const size = plain(input[input.length - 1] ?? NaN);
    const rule =
      Number.isFinite(size) && lines.length ? { value: size, name: `input ${short(size, "")}` } : null;
    const names = live.layers.map(({ name }) => name);
    this.growth.show(lines, {
      names,
      chosen,
      rule,
      note: "Arrow keys go along the layers; Enter chooses one.",
    });
  }
}

/** A line for each axis; one where they are alike. */
function fieldLines(live, input) {
  const figure = live.figure.get("local_receptive_field") ?? live.figure.get("receptive_field");
  if (figure === undefined) return [];
  const keys = (figure.axes ?? [figure.key]).filter((key) => key in live.now.layers);
  const lines = keys.map((key, n) => {
    const size = plain(input[input.length - keys.length + n] ?? NaN);
    const sizes = live.now.layers[key].map((seen) => (seen === "all" ? size : plain(seen)));
    const values = sizes.map((seen) => (Number.isFinite(seen) ? seen : null));
    return { values, name: key.slice(figure.key.length + 1), kind: ["first", "second", "third"][n] };
  });
  const others = lines.filter(
    (line, n) => n === 0 || line.values.some((value, k) => value !== lines[0].values[k]),
  );
  if (others.length === 1) others[0].name = "";
  return others.some(({ values }) => values.some((value) => value !== null)) ? others : [];
}
