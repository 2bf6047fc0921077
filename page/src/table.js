// The table of layers: of thousands of rows, those in sight are there.

import { freshId, h, oncePerFrame, say, set } from "./dom.js";
import { full, percent, shapeText, short } from "./numbers.js";
import { ROW_NAME, cutOff, kindOf, widthOf } from "./boxes.js";
import { isSummed } from "./live.js";
import { rowsOf } from "./rows.js";

export const ROW = 26;
const MEASURED = 300; // rows whose names say how wide the first column is
const BEYOND = 8; // rows drawn beyond what is in sight
const LEAST = { kind: 112, output: 118, share: 92 }; // pixels; what a figure takes is by its heading
const WEIGHT = { name: 2.2, kind: 1.5, output: 0.9 }; // of what there is beside
const USUAL = ["kind", "output", "params", "macs", "activation_bytes", "share"];

export class Table {
  constructor(view) {
    this.view = view;
    this.stem = freshId("row");
    this.shown = new Map(); // row elements by their numbers
    this.head = h("div", { role: "row", class: "row head" });
    this.body = h("div", { role: "rowgroup", class: "rows" });
    this.grid = h(
      "div",
      {
        class: "scroller",
        role: "treegrid",
        tabindex: "0",
        "aria-label": `Layers of ${view.name}`,
        onkeydown: (event) => this.#key(event),
        onscroll: oncePerFrame(() => this.draw()),
      },
      h("div", { role: "rowgroup", class: "heads" }, this.head),
      this.body,
    );
    this.choices = h("div", { class: "choices" });
    this.count = h("span", { class: "count", role: "status" });
    this.element = h(
      "section",
      { class: "table", "aria-label": `Table, ${view.name}` },
      h(
        "div",
        { class: "tools" },
        this.count,
        h("details", { class: "menu" }, h("summary", {}, "Columns"), this.choices),
      ),
      this.grid,
    );
    this.#columnChoices();
    new ResizeObserver(oncePerFrame(() => this.#resized())).observe(this.grid);
  }

  /** All that may be a column: {key, heading, title, figure}. */
  static columns(live) {
    const figures = live.figures.filter(
      ({ unit, key }) => !["NAME", "NAMES", "SHAPE"].includes(unit) && live.has(key),
    );
    return [
      { key: "name", heading: "layer", title: "Its name; the block that it stands in is above it." },
      { key: "kind", heading: "kind", title: "The layer kind, or the block." },
      { key: "output", heading: "output", title: "The shape of its output, without the batch." },
      ...figures.map((figure) => ({
        key: figure.key,
        heading: figure.short ?? figure.heading,
        title: figure.meaning,
        figure,
      })),
      {
        key: "share",
        heading: "share",
        title: "Of the whole network, of the figure that colors the diagram.",
      },
    ];
  }

  /** The columns that there are at first. */
  static usual(live) {
    const keys = Table.columns(live).map(({ key }) => key);
    const field = keys.find((key) => key.startsWith("receptive_field"));
    return keys.filter((key) => USUAL.includes(key) || key === field);
  }

  #columnChoices() {
    const { view } = this;
    this.choices.replaceChildren(
      ...Table.columns(view.live)
        .slice(1)
        .map(({ key, heading, title }) => {
          const id = freshId("column");
          const box = h("input", { type: "checkbox", id, onchange: () => view.showColumn(key, box.checked) });
          box.checked = view.columns.includes(key);
          return h("div", {}, box, h("label", { for: id, title }, heading));
        }),
    );
  }

  /** Takes rows and columns anew. */
  layOut() {
    const { view } = this;
    this.columns = Table.columns(view.live).filter(({ key }) => key === "name" || view.columns.includes(key));
    const names = this.view.tree.visible(this.view.opened).slice(0, MEASURED);
    const widest = names.reduce(
      (most, item) => Math.max(most, widthOf(item.label, ROW_NAME) + 14 * item.around.length),
      0,
    );
    const name = Math.round(Math.min(260, Math.max(150, widest + 32)));
    const least = ({ key, heading, figure }) =>
      (key === "name" ? name : LEAST[key]) ??
      Math.max(figure.unit === "BYTES" ? 88 : 76, heading.length * 7 + 24);
    const width = (column) => `minmax(${least(column)}px, ${WEIGHT[column.key] ?? 0.8}fr)`;
    this.grid.style.setProperty("--columns", this.columns.map(width).join(" "));
    this.grid.style.setProperty(
      "--width",
      `${this.columns.reduce((sum, column) => sum + least(column), 0)}px`,
    );
    this.#heads();
    this.refresh();
  }

  #heads() {
    const { view } = this;
    this.head.replaceChildren(
      ...this.columns.map((column) => {
        const sorted = view.sort?.key === column.key;
        const mark = sorted ? (view.sort.down ? " ▾" : " ▴") : "";
        const sort = h(
          "button",
          { type: "button", title: `${column.title} Sort by it.`, onclick: () => view.sortBy(column.key) },
          column.heading + mark,
        );
        return h(
          "div",
          {
            role: "columnheader",
            class: column.figure || column.key === "share" ? "number" : column.key,
            "aria-sort": sorted ? (view.sort.down ? "descending" : "ascending") : "none",
          },
          sort,
        );
      }),
    );
    this.sorters = [...this.head.querySelectorAll("button")];
  }

  /** Puts the focus on the heading of a column: it is made anew when one sorts by it. */
  focusHead(key) {
    this.sorters[this.columns.findIndex((column) => column.key === key)]?.focus();
  }

  /** Takes the rows anew: what is open, found or sorted has changed. */
  refresh() {
    const { view } = this;
    this.rows = rowsOf(view.live, view.opened, view);
    this.nested = view.sort === null && view.found === null;
    this.body.style.setProperty("height", `${this.rows.length * ROW}px`);
    set(this.grid, "aria-rowcount", this.rows.length + 1);
    const layers = view.live.tree.ofLayer.length;
    say(this.count, view.found === null ? `${layers} layers` : `${this.rows.length} of ${layers} layers`);
    this.body.replaceChildren();
    this.shown.clear();
    this.nameWidth = this.head.firstChild.clientWidth;
    this.draw();
  }

  /** Names are cut for the width that their column has. */
  #resized() {
    if (this.rows !== undefined && this.head.firstChild.clientWidth !== this.nameWidth) this.refresh();
    else this.draw();
  }

  /** Draws the rows in sight. */
  draw() {
    if (this.rows === undefined) return;
    const { scrollTop, clientHeight } = this.grid;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - BEYOND);
    const last = Math.min(this.rows.length, Math.ceil((scrollTop + clientHeight) / ROW) + BEYOND);
    const wanted = new Set();
    for (let n = first; n < last; n += 1) wanted.add(n);
    const chosen = this.rows.indexOf(this.view.chosen);
    if (chosen >= 0) wanted.add(chosen);
    for (const [n, row] of this.shown) {
      if (wanted.has(n)) continue;
      row.element.remove();
      this.shown.delete(n);
    }
    for (const n of wanted) if (!this.shown.has(n)) this.shown.set(n, this.#row(n));
    this.update();
  }

  #row(n) {
    const item = this.rows[n];
    const cells = this.columns.map((column) => {
      const cell = h("div", {
        role: "gridcell",
        class: column.figure || column.key === "share" ? "number" : column.key,
      });
      if (column.key === "name") this.#name(cell, item);
      if (column.key === "kind") {
        say(
          cell,
          item.folds ? `${item.type === "block" ? `${item.kind} ` : ""}(${item.layers.length})` : item.kind,
        );
        cell.title = kindOf(item);
      }
      return cell;
    });
    const element = h(
      "div",
      {
        role: "row",
        class: `row ${item.type}`,
        id: `${this.stem}-${n}`,
        "aria-rowindex": n + 2,
        "aria-level": this.nested ? item.around.length + 1 : 1,
        "aria-expanded": item.folds ? String(this.view.opened.has(item)) : null,
        onclick: () => this.#click(item),
      },
      cells,
    );
    element.style.setProperty("top", `${n * ROW}px`);
    this.body.append(element);
    return { element, cells, item };
  }

  #name(cell, item) {
    const { view } = this;
    const level = this.nested ? item.around.length : 0;
    cell.style.setProperty("--level", String(level));
    const open = view.opened.has(item);
    if (item.folds) cell.append(h("span", { class: "fold", "aria-hidden": "true" }, open ? "▾" : "▸"));
    cell.append(
      h(
        "span",
        { class: "label" },
        cutOff(this.nested ? item.label : item.name, ROW_NAME, this.nameWidth - 14 * level - 27),
      ),
    );
    cell.title = item.name;
  }

  /** Puts the numbers of now into the rows that are there. */
  update() {
    const { live, heat, chosen } = this.view;
    for (const { element, cells, item } of this.shown.values()) {
      const open = this.view.opened.has(item) && this.nested;
      this.columns.forEach((column, n) => {
        const cell = cells[n];
        if (column.key === "output") {
          say(cell, open ? "" : shapeText(live.shape(item)) || "–");
          cell.classList.toggle("changed", live.shapeDiffers(item));
        } else if (column.key === "share") this.#share(cell, live.share(item, heat));
        else if (column.figure) this.#figure(cell, item, column, open);
      });
      set(element, "aria-selected", item === chosen ? "true" : "false");
      element.classList.toggle("chosen", item === chosen);
    }
    const n = this.rows.indexOf(chosen);
    set(this.grid, "aria-activedescendant", n >= 0 && this.shown.has(n) ? `${this.stem}-${n}` : null);
  }

  #figure(cell, item, column, open) {
    const { live, heat } = this.view;
    const { key, figure } = column;
    const value = live.value(item, key);
    say(
      cell,
      open && !isSummed(figure)
        ? ""
        : value === undefined && live.problem === null
          ? ""
          : short(value, figure.unit),
    );
    cell.title = value === undefined ? "" : full(value, figure.unit);
    cell.classList.toggle("changed", live.differs(item, key));
    cell.classList.toggle("zero", value === 0);
    cell.classList.toggle("heat", key === heat);
    if (key === heat)
      cell.style.setProperty(
        "--hot",
        `${open ? 0 : Math.round(100 * Math.min(1, (live.share(item, key) || 0) / this.view.most))}%`,
      );
  }

  #share(cell, share) {
    if (cell.firstChild === null)
      cell.append(h("span", { class: "bar", "aria-hidden": "true" }), h("span", {}));
    cell.firstChild.style.setProperty("--part", `${share > 0 ? Math.min(100, 100 * share) : 0}%`);
    say(cell.lastChild, this.view.live.problem === null ? percent(share) : "–");
  }

  /** Scrolls until an item is in sight. */
  show(item) {
    const n = this.rows.indexOf(item);
    if (n < 0) return;
    const head = this.head.offsetHeight;
    const { scrollTop, clientHeight } = this.grid;
    const top = n * ROW;
    if (top < scrollTop) this.grid.scrollTop = top;
    else if (top + ROW + head > scrollTop + clientHeight)
      this.grid.scrollTop = top + ROW + head - clientHeight;
    this.draw();
  }

  #click(item) {
    this.view.choose(item);
    if (item.folds) this.view.toggle(item);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target !== this.grid) return;
    const { view, rows } = this;
    const at = rows.indexOf(view.chosen);
    const page = Math.max(1, Math.floor(this.grid.clientHeight / ROW) - 2);
    const go = (n) => view.choose(rows[Math.max(0, Math.min(rows.length - 1, n))]);
    const item = at >= 0 ? rows[at] : null;
    const acts = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      PageDown: () => go(at + page),
      PageUp: () => go(at - page),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      ArrowRight: () => item?.folds && (view.opened.has(item) ? go(at + 1) : view.toggle(item)),
      ArrowLeft: () =>
        item?.folds && view.opened.has(item)
          ? view.toggle(item)
          : item?.parent?.parent && view.choose(item.parent),
      Enter: () => item?.folds && view.toggle(item),
      " ": () => item?.folds && view.toggle(item),
      Escape: () => view.foldAround(),
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }
}
