// The network as a diagram, in SVG: of what is laid out, what stands in sight is drawn.

import { KIND, NAME, curve, cutOff, kindOf, sizeOf } from "./boxes.js";
import { button, freshId, h, oncePerFrame, s, say, set } from "./dom.js";
import { HEADER, layOut } from "./layout.js";
import { percent, shapeText, short } from "./numbers.js";
import { Port } from "./tree.js";
import { besides, next, previous } from "./walking.js";

const MARGIN = 400; // drawn beyond what is in sight
const LABEL = 120; // the widest shape beside an edge
const [LEAST, MOST] = [0.05, 2];

export class Diagram {
  /** `view` is asked for the tree, what is open and chosen, and told what one does. */
  constructor(view) {
    this.view = view;
    this.scale = 1;
    this.stem = freshId("node");
    this.drawn = new Map(); // element by box
    this.lines = s("g", { class: "edges", "aria-hidden": "true" });
    this.blocks = s("g", { role: "none" }); // that are open: below the lines
    this.shapes = s("g", { class: "edges", "aria-hidden": "true" }); // over all lines
    this.nodes = s("g", { role: "none" });
    this.svg = s("svg", { role: "none" }, this.blocks, this.lines, this.shapes, this.nodes);
    this.scroller = h(
      "div",
      {
        class: "scroller",
        role: "tree",
        tabindex: "0",
        "aria-label": `Diagram of ${view.name}`,
        onkeydown: (event) => this.#key(event),
        onscroll: oncePerFrame(() => this.draw()),
        onfocus: () => this.#markChosen(),
      },
      this.svg,
    );
    this.element = h(
      "section",
      { class: "diagram", "aria-label": `Diagram, ${view.name}` },
      this.#tools(),
      this.scroller,
    );
    this.#drag();
    this.scroller.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    new ResizeObserver(oncePerFrame(() => this.draw())).observe(this.scroller);
  }

  #tools() {
    const { view } = this;
    return h(
      "div",
      { class: "tools", role: "group", "aria-label": "Diagram" },
      button("−", "Zoom out (-)", () => this.zoom(1 / 1.25)),
      button("+", "Zoom in (+)", () => this.zoom(1.25)),
      button("Fit", "Fit the diagram to its frame (0)", () => this.fit()),
      button("Fold", "Fold all blocks", () => view.open(new Set())),
      button("Unfold", "Unfold all blocks", () => view.open(view.live.tree.allOpen())),
    );
  }

  /** Lays out anew what is open; what was chosen stays where it is on the screen. */
  layOut(kept) {
    const before = kept && this.at?.get(kept);
    this.plan = layOut(this.view.live.tree, this.view.opened, sizeOf);
    this.at = new Map(this.plan.boxes.map((box) => [box.item, box]));
    this.nodes.replaceChildren();
    this.blocks.replaceChildren();
    this.lines.replaceChildren();
    this.shapes.replaceChildren();
    this.drawn.clear();
    this.#resize();
    const after = kept && this.at.get(kept);
    if (before && after) {
      this.scroller.scrollTop += (after.y - before.y) * this.scale;
      this.scroller.scrollLeft += (after.x + after.width / 2 - before.x - before.width / 2) * this.scale;
    }
    this.#labels = new Map();
    for (const edge of this.plan.edges) {
      const from = edge.from;
      if (
        !(from instanceof Port) &&
        from.type !== "input" &&
        !this.at.get(from).open &&
        !this.#labels.has(from)
      )
        this.#labels.set(from, edge);
    }
    this.draw();
  }

  #labels = new Map();

  #resize() {
    const { width, height } = this.plan;
    set(this.svg, "width", Math.ceil(width * this.scale));
    set(this.svg, "height", Math.ceil(height * this.scale));
    set(this.svg, "viewBox", `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`);
  }

  zoom(factor, at) {
    const scale = Math.min(MOST, Math.max(LEAST, this.scale * factor));
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.scroller;
    const [x, y] = at ?? [clientWidth / 2, clientHeight / 2];
    const ratio = scale / this.scale;
    this.scale = scale;
    this.#resize();
    this.scroller.scrollLeft = (scrollLeft + x) * ratio - x;
    this.scroller.scrollTop = (scrollTop + y) * ratio - y;
    this.draw();
  }

  /** All of it in the frame; `readable` keeps its names legible and shows its top. */
  fit(readable = false) {
    const { clientWidth, clientHeight } = this.scroller;
    const { width, height } = this.plan;
    const across = Math.min(1, clientWidth / width);
    this.scale = Math.max(LEAST, readable ? Math.max(0.6, across) : Math.min(across, clientHeight / height));
    this.#resize();
    const [first] = this.plan.boxes;
    const [start, end] = [first.x * this.scale, (first.x + first.width) * this.scale];
    const left = (width * this.scale - clientWidth) / 2;
    // Of what is wider than the frame one sees at first where it begins.
    this.scroller.scrollLeft =
      readable && (start < left || end > left + clientWidth) ? (start + end - clientWidth) / 2 : left;
    if (readable) this.scroller.scrollTop = (first.y - 20) * this.scale;
    this.draw();
  }

  /** Scrolls until an item is in sight. */
  show(item) {
    const box = this.at.get(item);
    if (box === undefined) return;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.scroller;
    const height = box.open ? HEADER : box.height;
    const [x, y, w, t] = [box.x, box.y, box.width, height].map((size) => size * this.scale);
    if (y < scrollTop || y + t > scrollTop + clientHeight)
      this.scroller.scrollTop = y - (clientHeight - t) / 2;
    if (x < scrollLeft || x + w > scrollLeft + clientWidth)
      this.scroller.scrollLeft = x - (clientWidth - w) / 2;
    this.draw();
  }

  /** Draws what is in sight, and takes away what is not. */
  draw() {
    if (this.plan === undefined) return;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.scroller;
    const [left, top] = [scrollLeft / this.scale - MARGIN, scrollTop / this.scale - MARGIN];
    const [right, bottom] = [
      left + clientWidth / this.scale + 2 * MARGIN,
      top + clientHeight / this.scale + 2 * MARGIN,
    ];
    const inSight = (x0, y0, x1, y1) => x1 >= left && x0 <= right && y1 >= top && y0 <= bottom;
    for (const box of this.plan.boxes) {
      const seen =
        box.item === this.view.chosen || inSight(box.x, box.y, box.x + box.width, box.y + box.height);
      this.#keep(box, seen, () => this.#node(box), box.open ? this.blocks : this.nodes);
    }
    this.#stack();
    for (const edge of this.plan.edges) {
      const { left: x0, top: y0, right: x1, bottom: y1 } = edge.extent;
      this.#keep(edge, inSight(x0, y0, x1 + LABEL, y1), () => this.#edge(edge), this.lines);
    }
    this.update();
  }

  #keep(thing, seen, make, parent) {
    const there = this.drawn.get(thing);
    if (seen && there === undefined) {
      const made = make();
      this.drawn.set(thing, made);
      parent.append(made.element);
      if (made.shape) this.shapes.append(made.shape);
    } else if (!seen && there !== undefined) {
      there.element.remove();
      there.shape?.remove();
      this.drawn.delete(thing);
    }
  }

  /** What is inside an open block is painted over it. */
  #stack() {
    const elements = this.plan.boxes
      .filter((box) => box.open && this.drawn.has(box))
      .map((box) => this.drawn.get(box).element);
    if (elements.some((element, n) => this.blocks.children[n] !== element))
      this.blocks.replaceChildren(...elements);
  }

  #node(box) {
    const { item } = box;
    const height = box.open ? HEADER : box.height;
    const room = box.width - 20 - (item.folds ? 14 : 0);
    const kind = kindOf(item);
    const hidden = { "aria-hidden": "true" }; // the title says it, and in full
    const title = s("title", {});
    const value = s("text", { ...hidden, class: "value", x: box.x + box.width - 10, y: box.y + 19 });
    const part = s("text", { ...hidden, class: "value part", x: box.x + box.width - 10, y: box.y + 36 });
    const heat = s("rect", { class: "box", x: box.x, y: box.y, width: box.width, height: box.height, rx: 5 });
    const name = s(
      "text",
      { ...hidden, class: "name", x: box.x + 10, y: box.y + 19 },
      cutOff(item.label, NAME, box.open ? room - 80 : room - 62),
    );
    const second =
      box.open || item.type === "input"
        ? null
        : s(
            "text",
            { ...hidden, class: "kind", x: box.x + 10, y: box.y + 36 },
            cutOff(kind, KIND, room - 44),
          );
    const under =
      item.folds && !box.open
        ? s("path", { class: "stack", d: `M${box.x + 5} ${box.y + height + 3}h${box.width - 10}` })
        : null;
    const element = s(
      "g",
      {
        id: `${this.stem}-${item.id}`,
        class: `node ${item.type}${box.open ? " open" : ""}${item.isOutput ? " output" : ""}`,
        role: "treeitem",
        "aria-level": item.around.length + 1,
        "aria-expanded": item.folds ? String(box.open) : null,
        onclick: (event) => this.#click(box, event),
      },
      title,
      under,
      heat,
      name,
      second,
      value,
      box.open ? null : part,
    );
    return { element, title, heat, value, part, kind };
  }

  #edge(edge) {
    const line = s("path", { d: curve(edge.points), class: edge.arrow ? "edge arrow" : "edge" });
    const [start] = edge.points;
    const shape =
      this.#labels.get(edge.from) === edge
        ? s("text", { class: "shape", x: start.x + 7, y: start.y + 17 })
        : null;
    const end = edge.points[edge.points.length - 1];
    const head = edge.arrow
      ? s("path", {
          class: "head",
          d: `M${end.x - 4} ${end.y - 7}L${end.x} ${end.y}L${end.x + 4} ${end.y - 7}z`,
        })
      : null;
    return { element: s("g", {}, line, head), shape, from: edge.from };
  }

  /** Puts the numbers of now beside what is drawn. */
  update() {
    const { live, heat: key, chosen, found } = this.view;
    const figure = live.figure.get(key);
    const most = this.view.most;
    for (const [thing, made] of this.drawn) {
      if (made.shape !== undefined) {
        if (made.shape !== null)
          say(made.shape, live.problem === null ? shapeText(live.shape(made.from)) : "");
        continue;
      }
      const { item } = thing;
      const value = key ? live.value(item, key) : undefined;
      const share = key ? live.share(item, key) : NaN;
      const hot = share > 0 && !thing.open ? Math.min(1, share / most) : 0;
      made.heat.style.setProperty("--hot", `${Math.round(hot * 100)}%`);
      say(made.value, value === undefined || item.type === "input" ? "" : short(value, figure?.unit));
      if (item.type === "input") say(made.value, shapeText(live.shape(item)));
      say(made.part, share > 0 ? percent(share) : "");
      set(made.element, "aria-selected", item === chosen ? "true" : "false");
      say(
        made.title,
        [`${item.name}: ${made.kind}`, made.value.textContent, made.part.textContent]
          .filter(Boolean)
          .join(", "),
      );
      made.element.classList.toggle("chosen", item === chosen);
      made.element.classList.toggle("dim", found !== null && !found.has(item));
    }
    this.#markChosen();
  }

  /** The greatest share of a box that is folded: what is drawn hottest. */
  greatest(key) {
    let most = 0;
    for (const { item, open } of this.plan?.boxes ?? [])
      if (!open) most = Math.max(most, this.view.live.share(item, key) || 0);
    return most || 1;
  }

  #markChosen() {
    const box = this.at?.get(this.view.chosen);
    set(
      this.scroller,
      "aria-activedescendant",
      box && this.drawn.has(box) ? `${this.stem}-${box.item.id}` : null,
    );
  }

  #click({ item, open }, event) {
    if (this.dragged) return;
    const depth = event.clientY - event.currentTarget.getBoundingClientRect().top;
    this.view.choose(item);
    if (item.folds && (!open || depth <= HEADER * this.scale)) this.view.toggle(item);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { view } = this;
    const chosen = this.at.has(view.chosen) ? view.chosen : null;
    const acts = {
      ArrowDown: () => view.choose(chosen ? next(this.plan, this.at, chosen) : this.plan.boxes[0].item),
      ArrowUp: () => view.choose(chosen ? previous(this.plan, this.at, chosen) : this.plan.boxes[0].item),
      ArrowRight: () => chosen && view.choose(besides(this.plan, this.at, chosen, 1)),
      ArrowLeft: () => chosen && view.choose(besides(this.plan, this.at, chosen, -1)),
      Home: () => view.choose(this.plan.boxes[0].item),
      End: () => view.choose(this.plan.boxes[this.plan.boxes.length - 1].item),
      Enter: () => chosen?.folds && view.toggle(chosen),
      " ": () => chosen?.folds && view.toggle(chosen),
      Escape: () => view.foldAround(),
      "+": () => this.zoom(1.25),
      "=": () => this.zoom(1.25),
      "-": () => this.zoom(1 / 1.25),
      0: () => this.fit(),
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { left, top } = this.scroller.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 300), [event.clientX - left, event.clientY - top]);
  }

  #drag() {
    let from = null;
    this.scroller.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      const onBar = event.offsetX > this.scroller.clientWidth && event.target === this.scroller;
      if (event.pointerType === "mouse" && event.button === 0 && !onBar)
        from = {
          x: event.clientX,
          y: event.clientY,
          left: this.scroller.scrollLeft,
          top: this.scroller.scrollTop,
        };
    });
    addEventListener("pointermove", (event) => {
      if (from === null) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      if (Math.abs(dx) + Math.abs(dy) < 4 && !this.dragged) return;
      this.dragged = true;
      this.scroller.scrollTo(from.left - dx, from.top - dy);
    });
    addEventListener("pointerup", () => (from = null));
  }
}
