// What is said of the chosen layer or block: its figures, how they come about, what it sees.

import { button, h } from "./dom.js";
import { kindOf } from "./boxes.js";
import { drawField } from "./field.js";
import { full, percent, same, shapeText, short, times } from "./numbers.js";
import { isSummed } from "./live.js";

export class Detail {
  constructor(view) {
    this.view = view;
    this.body = h("div", { class: "body" });
    this.element = h(
      "section",
      { class: "detail", "aria-label": `Chosen layer, ${view.name}`, hidden: true },
      this.body,
    );
  }

  update() {
    const { chosen, live } = this.view;
    this.element.hidden = chosen === null;
    if (chosen === null) return;
    const layer = chosen.type === "layer" ? live.layers[chosen.layers[0]] : null;
    this.body.replaceChildren(
      h(
        "header",
        {},
        h(
          "div",
          {},
          h("h3", {}, chosen.name),
          h(
            "p",
            { class: "about" },
            kindOf(chosen),
            layer?.training_only ? ", in training only" : "",
            layer?.used === false ? ", no output depends on it" : "",
          ),
        ),
        button("×", "Close (Escape)", () => this.view.choose(null), { class: "close" }),
      ),
      live.problem === null
        ? this.#all(chosen, layer)
        : h("p", { class: "about" }, "No numbers at these settings."),
    );
  }

  #all(item, layer) {
    const { live } = this.view;
    return h(
      "div",
      { class: "parts" },
      h("div", {}, this.#flow(item, layer), this.#figures(item)),
      item.type === "layer" ? this.#field(item) : null,
      layer && live.derivation(layer).length ? this.#derivation(item, live.derivation(layer)) : null,
    );
  }

  #flow(item, layer) {
    const { view } = this;
    const { live } = view;
    const lines = [];
    const link = (name) => {
      const source = live.tree.called(name);
      return source === null
        ? name
        : h("button", { type: "button", class: "link", onclick: () => view.reveal(source) }, name);
    };
    if (layer) {
      const parts = layer.inputs.flatMap((name, n) => [
        n ? ", " : "",
        link(name),
        h("span", { class: "shape" }, ` ${shapeText(live.shape(live.tree.called(name) ?? item))}`),
      ]);
      lines.push(["takes", parts]);
    }
    if (layer?.weights_shared_with) lines.push(["weights of", [link(layer.weights_shared_with)]]);
    lines.push(["puts out", [shapeText(live.shape(item)) || "–"]]);
    return h(
      "dl",
      {},
      lines.map(([name, parts]) => h("div", {}, h("dt", {}, name), h("dd", {}, parts))),
    );
  }

  #figures(item) {
    const { live } = this.view;
    const rows = live.figures.flatMap((figure) => {
      const { key, unit } = figure;
      const value = live.value(item, key);
      if (value === undefined || ["NAME", "NAMES", "SHAPE", "FLAG", "TEXT"].includes(unit)) return [];
      const share = isSummed(figure) ? percent(live.share(item, key)) : "";
      const changed = live.differs(item, key);
      return [
        h(
          "tr",
          { class: changed ? "changed" : null },
          h("th", { scope: "row", title: figure.meaning }, figure.heading),
          h("td", {}, full(value, unit)),
          h("td", {}, share),
        ),
      ];
    });
    return h("table", { class: "figures" }, h("caption", {}, "Figures"), h("tbody", {}, rows));
  }

  #field(item) {
    const { live } = this.view;
    const shape = live.shape(item) ?? [];
    const input = live.network.inputs[0] ? live.inputShape(live.network.inputs[0].name) : [];
    const along = (key) => [live.value(item, key) ?? []].flat();
    const [fields, wholes, jumps, offsets] = [
      "local_receptive_field",
      "receptive_field",
      "jump",
      "offset",
    ].map(along);
    const sizes = input.slice(-fields.length);
    const stand = shape.length === fields.length + 1;
    const found = fields
      .map((field, n) => ({
        size: sizes[n],
        field,
        whole: wholes[n],
        jump: jumps[n],
        offset: offsets[n],
        units: stand ? shape[n + 1] : null,
      }))
      .filter(({ field, size }) => field !== null && field !== "nothing" && size !== undefined);
    if (!found.length || found.length !== fields.length) return null;
    const wider = found.some(({ field, whole }) => !same(field, whole));
    const note = wider
      ? `By convolutions and pools alone; through gates and norms it sees ${full(wholes, "FIELD")}.`
      : stand
        ? "Of the unit in the middle, on the input."
        : found.every(({ field }) => field === "all")
          ? "It sees all of the input."
          : "Its size beside that of the input.";
    return h(
      "figure",
      {},
      h("figcaption", {}, "Receptive field"),
      drawField(found),
      h("p", { class: "note" }, note),
    );
  }

  #derivation(item, lines) {
    const { live } = this.view;
    const rows = lines.map(({ figure: of, symbols, numbers, result, note }) => {
      const figure = live.figures.find(({ key, heading, short }) => [key, heading, short].includes(of));
      const value = figure && live.value(item, figure.key);
      // Away from the own values the rule still holds; of its numbers, what has been computed.
      const now = live.isOwn ? result : value;
      const steps = [
        symbols,
        live.isOwn && symbols !== numbers ? numbers : "",
        now === undefined || now === null ? "" : full(now, figure?.unit),
      ].filter(Boolean);
      return h(
        "div",
        {},
        h("dt", {}, figure?.heading ?? of),
        h(
          "dd",
          {},
          steps.map((step, n) =>
            h("span", { class: n ? "step" : "symbols" }, (n ? "= " : "") + String(step).replaceAll("*", "·")),
          ),
          note ? h("span", { class: "about" }, note) : null,
        ),
      );
    });
    return h("div", { class: "derivation" }, h("h4", {}, "How they come about"), h("dl", {}, rows));
  }
}

/** The totals of the network; beside each its own value where a setting has changed it. */
export class Totals {
  constructor(view) {
    this.view = view;
    this.list = h("dl", { class: "totals" });
    this.rest = h("dl", { class: "totals more" });
    this.more = h("details", {}, h("summary", {}, "All totals"), this.rest);
    this.element = h(
      "section",
      { "aria-label": `Totals, ${view.name}`, class: "of-totals" },
      this.list,
      this.more,
    );
  }

  update() {
    const { live } = this.view;
    const figures = live.ofNetwork.filter((figure) => live.totalIn(live.now, figure) !== undefined);
    const place = ({ key }) => MAIN.indexOf(key);
    const main = figures.filter((figure) => place(figure) >= 0).sort((a, b) => place(a) - place(b));
    const others = figures.filter((figure) => place(figure) < 0);
    this.list.replaceChildren(...main.map((figure) => this.#total(figure)));
    this.rest.replaceChildren(...others.map((figure) => this.#total(figure)));
    this.more.hidden = !others.length;
  }

  #total(figure) {
    const { live, beside } = this.view;
    const { heading, short: brief, unit, meaning } = figure;
    const now = live.problem === null ? live.totalIn(live.now, figure) : null;
    const own = live.totalIn(live.own, figure);
    const changed = live.problem === null && !same(now, own);
    const other = beside && beside.problem === null ? beside.totalIn(beside.now, figure) : undefined;
    const ratio = other === undefined || now === null ? "" : times(now, other);
    const beneath = [
      changed ? `own ${short(own, unit)} ${times(now, own)}` : "",
      ratio ? `${ratio} of ${beside.network.name}` : "",
    ];
    return h(
      "div",
      { class: changed ? "changed" : null, title: meaning },
      h("dt", {}, brief ?? heading),
      h("dd", { title: now === null ? null : full(now, unit) }, short(now, unit)),
      beneath.filter(Boolean).map((line) => h("dd", { class: "own" }, line)),
    );
  }
}

// Those that are always in sight.
const MAIN = [
  "params",
  "macs",
  "activation_bytes",
  "peak_bytes",
  "training_bytes",
  "training_peak",
  "receptive_field",
  "least_time",
];
