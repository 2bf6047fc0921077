// Small plots: steps along the layers, with a line under the pointer that says what it is.

import { freshId, h, oncePerFrame, s, say, set } from "./dom.js";

const [LEFT, RIGHT, TOP, BOTTOM, HEIGHT] = [58, 12, 12, 24, 190];

export class Plot {
  /** `say` gives the text of a value; `onchoose` is called with the number of a point. */
  constructor({ title, text, about, onchoose }) {
    Object.assign(this, { text, onchoose });
    this.at = null;
    this.lines = [];
    this.back = s("g", { class: "grid" });
    this.front = s("g", { class: "series" });
    this.marks = s("g", { class: "marks" });
    this.svg = s("svg", { class: "plot", role: "img", height: HEIGHT }, this.back, this.front, this.marks);
    this.note = h("p", { class: "note", "aria-live": "polite" });
    const id = freshId("plot");
    this.frame = h(
      "div",
      {
        class: "frame",
        tabindex: "0",
        role: "group",
        "aria-labelledby": id,
        onkeydown: (event) => this.#key(event),
        onpointermove: (event) => this.#point(event),
        onpointerleave: () => this.#mark(this.chosen),
        onclick: () => this.at !== null && this.onchoose(this.at),
      },
      this.svg,
    );
    this.element = h(
      "section",
      { class: "of-plot" },
      h("h3", { id }, title),
      h("p", { class: "about" }, about),
      this.frame,
      this.note,
    );
    new ResizeObserver(oncePerFrame(() => this.draw())).observe(this.frame);
  }

  /**
   * Draws lines: [{values: numbers or null, name, kind}], the first of which is said at a point;
   * `rule` is a level to compare with, {value, name}.
   */
  show(lines, { names, rule = null, chosen = null, note }) {
    Object.assign(this, { lines, names, rule, chosen, summary: note });
    this.draw();
  }

  draw() {
    const width = this.frame.clientWidth;
    if (!width || !this.lines.length) return;
    set(this.svg, "width", width);
    set(this.svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    set(this.svg, "aria-label", this.summary);
    const count = this.lines[0].values.length;
    const most =
      this.lines
        .flatMap(({ values }) => greatest(values))
        .reduce((a, b) => Math.max(a, b), this.rule?.value ?? 0) || 1;
    const ticks = ticksTo(most);
    const top = Math.max(most, ticks[ticks.length - 1]);
    this.x = (n) => LEFT + ((n + 0.5) / Math.max(1, count)) * (width - LEFT - RIGHT);
    this.y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
    this.across = { width, count };
    this.back.replaceChildren(
      ...ticks.flatMap((tick) => [
        s("path", { d: `M${LEFT} ${this.y(tick)}H${width - RIGHT}` }),
        s(
          "text",
          { x: LEFT - 7, y: this.y(tick) + 4, class: "tick" },
          this.text(tick).replace(/\.00(?=\D|$)|(\.\d)0(?=\D|$)/, "$1"),
        ),
      ]),
      s("text", { x: LEFT, y: HEIGHT - 6, class: "end" }, "1"),
      s("text", { x: width - RIGHT, y: HEIGHT - 6, class: "end last" }, String(count)),
    );
    this.front.replaceChildren(
      ...this.lines.map(({ values, kind }) => s("path", { class: `line ${kind}`, d: this.#path(values) })),
      ...(this.rule
        ? [
            s("path", { class: "rule", d: `M${LEFT} ${this.y(this.rule.value)}H${width - RIGHT}` }),
            s(
              "text",
              { class: "rule-name", x: width - RIGHT, y: this.y(this.rule.value) - 4 },
              this.rule.name,
            ),
          ]
        : []),
    );
    this.#mark(this.at ?? this.chosen);
  }

  /** As steps; of more points than pixels, the least and the greatest in each. */
  #path(values) {
    const { width, count } = this.across;
    const half = (width - LEFT - RIGHT) / count / 2;
    const per = Math.max(1, Math.floor(count / (width - LEFT - RIGHT)));
    let path = "";
    let pen = "M";
    for (let n = 0; n < count; n += per) {
      const part = values.slice(n, n + per).filter((value) => value !== null);
      if (!part.length) {
        pen = "M";
        continue;
      }
      const [low, high] = [Math.min(...part), Math.max(...part)];
      const x = this.x(n);
      const [a, b] = [this.y(low).toFixed(1), this.y(high).toFixed(1)];
      path +=
        per === 1
          ? `${pen}${(x - half).toFixed(1)} ${a}H${(x + half).toFixed(1)}`
          : `${pen}${x.toFixed(1)} ${a}V${b}`;
      pen = "L";
    }
    return path;
  }

  #mark(n) {
    this.marks.replaceChildren();
    const known = n !== null && n !== undefined && n < (this.across?.count ?? 0);
    say(this.note, known ? this.#said(n) : (this.summary ?? ""));
    if (!known) return;
    this.marks.append(s("path", { class: "cursor", d: `M${this.x(n)} ${TOP - 4}V${HEIGHT - BOTTOM}` }));
    for (const { values, kind } of this.lines) {
      if (values[n] !== null)
        this.marks.append(s("circle", { class: kind, cx: this.x(n), cy: this.y(values[n]), r: 3.5 }));
    }
  }

  #said(n) {
    const parts = this.lines.map(
      ({ values, name }) => `${name ? `${name} ` : ""}${values[n] === null ? "–" : this.text(values[n])}`,
    );
    return `${n + 1}. ${this.names[n] ?? ""}: ${parts.join(", ")}`;
  }

  #point(event) {
    if (this.across === undefined) return;
    const { left } = this.frame.getBoundingClientRect();
    const { width, count } = this.across;
    const n = Math.floor(((event.clientX - left - LEFT) / (width - LEFT - RIGHT)) * count);
    this.at = n >= 0 && n < count ? n : null;
    this.#mark(this.at ?? this.chosen);
  }

  #key(event) {
    const count = this.across?.count ?? 0;
    const at = this.at ?? this.chosen ?? -1;
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      PageDown: at + 10,
      PageUp: at - 10,
      Home: 0,
      End: count - 1,
    };
    if (event.key === "Enter" && this.at !== null) this.onchoose(this.at);
    if (!Object.hasOwn(to, event.key)) return;
    event.preventDefault();
    this.at = Math.max(0, Math.min(count - 1, to[event.key]));
    this.#mark(this.at);
  }
}

function greatest(values) {
  let most = 0;
  for (const value of values) if (value !== null && value > most) most = value;
  return most;
}

/** Round numbers from 0 to at most `most`, about four of them. */
function ticksTo(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const ticks = [];
  for (let n = 0; n * step <= most * 1.001; n += 1) ticks.push(n * step);
  return ticks;
}
