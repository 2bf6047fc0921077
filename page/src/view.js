// One network on the page: its settings, totals, diagram, table, plots, and what is chosen.

import { Detail, Totals } from "./detail.js";
import { Diagram } from "./diagram.js";
import { freshId, h, isTyping, oncePerFrame, say } from "./dom.js";
import { isSummed } from "./live.js";
import { takeLink } from "./link.js";
import { percent } from "./numbers.js";
import { Plots } from "./curves.js";
import { kindsOf, search } from "./rows.js";
import { Settings } from "./settings.js";
import { Table } from "./table.js";

const HEATS = ["macs", "params", "activation_bytes", "least_time"];

export class View {
  /** `name` is its own on the page; `changed` is called when what the link has to say is another. */
  constructor(live, name, changed) {
    Object.assign(this, {
      live,
      name,
      changed,
      chosen: null,
      beside: null, // what its totals are compared with
      most: 1,
      sort: null,
      text: "",
      kind: "",
      found: null,
      isNamed: false,
    });
    this.tree = live.tree;
    this.opened = live.tree.firstOpen;
    this.wereOpen = new Map(); // of trees that other settings have: what stood open
    const summed = live.figures
      .filter((figure) => isSummed(figure) || figure.unit === "SECONDS")
      .map(({ key }) => key);
    this.heats = [
      ...HEATS.filter((key) => summed.includes(key)),
      ...summed.filter((key) => !HEATS.includes(key)),
    ];
    this.heat = this.ownHeat = this.heats[0] ?? "";
    this.columns = this.ownColumns = Table.usual(live);
    this.settings = new Settings(this);
    this.totals = new Totals(this);
    this.diagram = new Diagram(this);
    this.table = new Table(this);
    this.detail = new Detail(this);
    this.plots = new Plots(this);
    this.recompute = oncePerFrame(() => this.#compute());
    this.element = h(
      "article",
      { class: "view", "aria-label": name },
      this.#title(),
      this.settings.element,
      this.totals.element,
      this.#finder(),
      h(
        "div",
        { class: "panes" },
        this.diagram.element,
        h("div", { class: "side" }, this.table.element, this.detail.element),
      ),
      this.plots.element,
      this.#notes(),
    );
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  #title() {
    const { network } = this.live;
    const by = [network.source].filter(Boolean).join("; ");
    return h(
      "header",
      { class: "title" },
      h("h2", {}, network.title || network.name),
      network.title && network.title !== network.name ? h("code", {}, network.name) : null,
      by ? h("p", { class: "about" }, by) : null,
    );
  }

  #notes() {
    const { description, notes, not_offered: missing } = this.live.network;
    const parts = [
      description ? h("p", {}, description) : null,
      notes?.length
        ? h(
            "ul",
            {},
            notes.map((note) => h("li", {}, note)),
          )
        : null,
      missing?.length
        ? h(
            "ul",
            {},
            missing.map(({ label, why }) =>
              h("li", {}, `${label} cannot be changed here${why ? `: ${why}` : ""}`),
            ),
          )
        : null,
    ].filter(Boolean);
    return parts.length ? h("section", { class: "notes", "aria-label": `Notes, ${this.name}` }, parts) : null;
  }

  /** Search and heat: for the diagram and the table alike. */
  #finder() {
    const [find, kind, heat] = [freshId("find"), freshId("kind"), freshId("heat")];
    this.scale = h("span", { class: "scale" });
    this.box = h("input", {
      type: "search",
      id: find,
      placeholder: "name or kind ( / )",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.look(this.box.value, this.kind),
      onkeydown: (event) => this.#findKey(event),
    });
    this.kinds = h("select", { id: kind, onchange: () => this.look(this.text, this.kinds.value) });
    this.heatBox = h(
      "select",
      { id: heat, onchange: () => this.color(this.heatBox.value) },
      this.heats.map((key) =>
        h("option", { value: key }, this.live.figure.get(key).short ?? this.live.figure.get(key).heading),
      ),
    );
    return h(
      "div",
      { class: "finder", role: "search", "aria-label": `Find, ${this.name}` },
      h("span", { class: "find" }, h("label", { for: find }, "Find"), this.box),
      h("span", {}, h("label", { for: kind }, "Kind"), this.kinds),
      h("span", {}, h("label", { for: heat }, "Heat"), this.heatBox),
      this.scale,
    );
  }

  /** Shows all of it for the first time, or anew: at another link, or with other layers. */
  start(link) {
    if (link) takeLink(this, link);
    this.found = search(this.live.tree, this.text, this.kind);
    if (this.chosen) this.opened = new Set([...this.opened, ...this.chosen.around]);
    this.box.value = this.text;
    this.heatBox.value = this.heat;
    this.tree = this.live.tree;
    this.#fillKinds();
    this.diagram.layOut();
    this.diagram.fit(true);
    this.table.layOut();
    this.#update();
    if (this.chosen) this.#showChosen();
  }

  #fillKinds() {
    const kinds = kindsOf(this.live.tree).map(([kind, count]) =>
      h("option", { value: kind }, `${kind} (${count})`),
    );
    this.kinds.replaceChildren(h("option", { value: "" }, "all kinds"), ...kinds);
    this.kinds.value = this.kind;
  }

  /** Gives variables other values: all figures are new in the next frame. */
  set(values) {
    Object.assign(this.live.values, values);
    this.recompute();
  }

  restore() {
    this.set(this.live.ownValues);
  }

  /** Whether what is open is what was at first. */
  get isFirstOpen() {
    const { firstOpen } = this.tree;
    return this.opened.size === firstOpen.size && [...this.opened].every((item) => firstOpen.has(item));
  }

  /** Where a setting gives other layers, what is open and chosen stays so by its name. */
  #follow() {
    const { tree } = this.live;
    if (tree === this.tree) return;
    const kept = [...this.opened].map((item) => tree.like(item)).filter((item) => item?.folds);
    const back = [...(this.wereOpen.get(tree) ?? [])].filter((item) => this.tree.like(item) === null);
    this.wereOpen.set(this.tree, this.opened);
    this.opened = this.isFirstOpen ? tree.firstOpen : new Set([...kept, ...back]);
    this.tree = tree;
    this.chosen = this.chosen && tree.like(this.chosen);
    this.found = search(tree, this.text, this.kind);
    this.#fillKinds();
    this.diagram.layOut();
    this.table.refresh();
  }

  /** What the hottest box is: its share of the network. */
  #warm() {
    this.most = this.diagram.greatest(this.heat);
    say(this.scale, this.live.problem === null ? `0 to ${percent(this.most)} of the total` : "");
  }

  #compute() {
    const start = performance.now();
    this.live.compute();
    this.#update();
    performance.measure("archcalc-update", { start, end: performance.now() });
  }

  /** Shows what was computed, everywhere. */
  #update() {
    this.element.classList.toggle("invalid", this.live.problem !== null);
    this.#follow();
    this.settings.update();
    this.totals.update();
    this.#warm();
    this.diagram.update();
    if (this.sort !== null && this.live.problem === null) this.table.refresh();
    else this.table.update();
    this.detail.update();
    this.plots.update();
    this.changed();
  }

  choose(item) {
    if (!item && this.chosen === null) return;
    this.chosen = item || null;
    this.diagram.draw();
    this.table.draw();
    this.detail.update();
    this.plots.update();
    this.#showChosen();
    this.changed();
  }

  #showChosen() {
    if (this.chosen === null) return;
    this.diagram.show(this.chosen);
    this.table.show(this.chosen);
  }

  /** Chooses an item wherever it stands: the blocks around it are opened. */
  reveal(item) {
    const closed = item.around.filter((block) => !this.opened.has(block));
    if (closed.length) this.open(new Set([...this.opened, ...closed]));
    this.choose(item);
  }

  toggle(item) {
    const opened = new Set(this.opened);
    if (!opened.delete(item)) opened.add(item);
    this.open(opened, item);
  }

  open(opened, kept = this.chosen) {
    this.opened = opened;
    let { chosen } = this;
    for (const block of chosen?.around ?? []) {
      if (opened.has(block)) continue;
      chosen = block; // what was chosen is in it
      break;
    }
    this.chosen = chosen;
    this.diagram.layOut(kept);
    this.#warm();
    this.diagram.update();
    this.table.refresh();
    this.detail.update();
    this.#showChosen();
    this.changed();
  }

  /** Folds the block around what is chosen, and chooses that; then nothing. */
  foldAround() {
    if (this.chosen === null) return;
    const block = this.opened.has(this.chosen)
      ? this.chosen
      : this.chosen.around[this.chosen.around.length - 1];
    if (block === undefined) this.choose(null);
    else {
      this.toggle(block);
      this.choose(block);
    }
  }

  sortBy(column) {
    const key = column === "share" ? this.heat : column;
    const words = ["name", "kind"].includes(key);
    if (this.sort?.key !== key) this.sort = { key, down: !words };
    else this.sort = this.sort.down === words ? null : { key, down: words };
    this.table.layOut();
    this.table.grid.scrollTop = 0;
    this.table.focusHead(column);
    this.changed();
  }

  showColumn(key, shown) {
    const keys = new Set(this.columns);
    if (shown) keys.add(key);
    else keys.delete(key);
    this.columns = Table.columns(this.live)
      .map((column) => column.key)
      .filter((known) => keys.has(known));
    this.table.layOut();
    this.changed();
  }

  color(key) {
    this.heat = key;
    this.#warm();
    this.diagram.update();
    this.table.update();
    this.changed();
  }

  look(text, kind) {
    Object.assign(this, { text, kind, found: search(this.live.tree, text, kind) });
    this.table.grid.scrollTop = 0;
    this.table.refresh();
    this.diagram.update();
    this.changed();
  }

  #findKey(event) {
    if (event.key === "Escape" && this.text) {
      this.box.value = "";
      this.look("", this.kind);
    } else if (event.key === "Escape") this.diagram.scroller.focus();
    else if (event.key === "Enter" && this.found !== null) this.#nextFound(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #nextFound(side) {
    const layers = this.live.tree.ofLayer.filter((item) => this.found.has(item));
    if (!layers.length) return;
    const at = layers.indexOf(this.chosen);
    this.reveal(layers[(at + side + layers.length + (at < 0 && side < 0 ? 1 : 0)) % layers.length]);
  }

  #key(event) {
    if (event.key !== "/" || isTyping(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    this.box.focus();
    this.box.select();
  }
}
