// A network's layers as a tree of blocks, and the edges that each block has inside.

// A level with more is cut into runs of layers in a row, each of which folds like a block.
const MOST_ON_A_LEVEL = 150;
// The most that stands open at first, and at once: of the diagram as of the table.
const MOST_AT_FIRST = 40;
export const MOST_OPEN = 2500;

/** A layer, a block, an input, or a run of many that stand in a row. */
class Item {
  constructor(type, name, label, parent) {
    this.type = type;
    this.name = name; // in full, with dots
    this.label = label; // within its block
    this.parent = parent;
    this.kind = type;
    this.text = "";
    this.children = [];
    this.layers = []; // numbers of the layers that it is or has
    this.counted = []; // of these, what its sums are over
    this.edges = []; // inside: {from, to, source}, each an Item, or a Port for what crosses its border
    this.id = -1;
  }

  get folds() {
    return this.children.length > 0;
  }

  /** The blocks around it, from the outermost; without the root. */
  get around() {
    const found = [];
    for (let item = this.parent; item?.parent; item = item.parent) found.unshift(item);
    return found;
  }
}

/** Where the output of a layer crosses the border of a block. */
export class Port {
  constructor(source, out) {
    this.source = source;
    this.out = out;
  }
}

export class Tree {
  constructor(network, layers) {
    this.layers = layers;
    this.root = new Item("root", "", "", null);
    this.items = []; // all but the root, in order
    this.byName = new Map();
    this.inputs = network.inputs.map((input) => new Item("input", input.name, input.name, this.root));
    for (const input of this.inputs) this.byName.set(input.name, input);
    this.ofLayer = layers.map((layer, index) => this.#placed(layer, index, network.blocks ?? {}));
    cut(this.root);
    this.#number(this.root);
    this.#connect();
    const outputs = new Set(network.outputs);
    for (const item of this.ofLayer) item.isOutput = outputs.has(item.name);
  }

  #placed(layer, index, kinds) {
    let block = this.root;
    for (const name of layer.blocks) {
      let found = this.byName.get(`${name}.`);
      if (found === undefined) {
        found = new Item("block", name, within(name, block.name), block);
        found.kind = Object.hasOwn(kinds, name) ? kinds[name] : "block";
        this.byName.set(`${name}.`, found);
        block.children.push(found);
      }
      block = found;
    }
    const item = new Item("layer", layer.name, within(layer.name, block.name), block);
    item.kind = layer.kind;
    item.text = layer.text ?? "";
    item.layers = [index];
    block.children.push(item);
    this.byName.set(layer.name, item);
    return item;
  }

  #number(item) {
    if (item !== this.root) item.id = this.items.push(item) - 1;
    for (const child of item.children) {
      this.#number(child);
      for (const index of child.layers) item.layers.push(index);
    }
    if (item.folds) item.layers.sort((a, b) => a - b);
    const used = item.layers.filter((index) => this.layers[index].used !== false);
    item.counted = used.length ? used : item.layers;
  }

  /** Says of every edge what is drawn of it inside each block that it touches. */
  #connect() {
    this.inputs.forEach((input, n) => (input.id = this.items.length + n));
    const seen = new Set();
    const add = (container, from, to, source) => {
      const name = `${container.id} ${keyOf(from)} ${keyOf(to)} ${source.id}`;
      if (seen.has(name)) return;
      seen.add(name);
      container.edges.push({ from, to, source });
    };
    this.ofLayer.forEach((target, index) => {
      for (const name of this.layers[index].inputs) {
        const source = this.byName.get(name);
        if (source === undefined) continue;
        const ups = [this.root, ...source.around, source];
        const downs = [this.root, ...target.around, target];
        let depth = 1;
        while (ups[depth] === downs[depth]) depth += 1;
        add(ups[depth - 1], ups[depth], downs[depth], source);
        for (let n = depth; n < ups.length - 1; n += 1)
          add(ups[n], ups[n + 1], new Port(source, true), source);
        for (let n = depth; n < downs.length - 1; n += 1)
          add(downs[n], new Port(source, false), downs[n + 1], source);
      }
    });
  }

  /** What stands open at first: the deepest level of blocks that fits a screen. */
  get firstOpen() {
    return (this.first ??= this.#thatFits());
  }

  #thatFits() {
    let open = new Set();
    for (;;) {
      const next = new Set(open);
      for (const item of this.visible(open)) if (item.folds) next.add(item);
      if (next.size === open.size || this.visible(next).length > MOST_AT_FIRST) return open;
      open = next;
    }
  }

  /** As much as may stand open at once, from the top. */
  allOpen() {
    const open = new Set();
    let count = this.root.children.length;
    const waiting = [...this.root.children];
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      if (!item.folds || count + item.children.length > MOST_OPEN) continue;
      open.add(item);
      count += item.children.length;
      waiting.push(...item.children);
    }
    return open;
  }

  /** The items that one sees, in order: an open block and behind it what is in it. */
  visible(open) {
    const found = [];
    const walk = (item) => {
      for (const child of item.children) {
        found.push(child);
        if (open.has(child)) walk(child);
      }
    };
    walk(this.root);
    return found;
  }

  /** What is called as an item of another tree, and is the same; null where there is none. */
  like(item) {
    if (item.type === "run") return null;
    return this.byName.get(item.type === "block" ? `${item.name}.` : item.name) ?? null;
  }

  /** A layer, a block or an input by its name; a layer where both have it. */
  called(name) {
    return this.byName.get(name) ?? this.byName.get(`${name}.`) ?? null;
  }
}

const keyOf = (end) => (end instanceof Port ? (end.out ? "out" : "in") : end.id);

const within = (name, block) => (block && name.startsWith(`${block}.`) ? name.slice(block.length + 1) : name);

/** Cuts a level that is too long to draw into runs, and these again. */
function cut(item) {
  while (item.children.length > MOST_ON_A_LEVEL) {
    const length = Math.max(20, Math.ceil(Math.sqrt(item.children.length)));
    const runs = [];
    for (let start = 0; start < item.children.length; start += length) {
      const part = item.children.slice(start, start + length);
      const name = `${part[0].label} … ${part[part.length - 1].label}`;
      const run = new Item("run", name, name, item);
      run.kind = "run";
      run.children = part;
      for (const child of part) child.parent = run;
      runs.push(run);
    }
    item.children = runs;
  }
  item.children.forEach(cut);
}
