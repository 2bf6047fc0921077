// A network at its settings: every figure of every layer, computed anew when one of them changes.

import { added, AtLeast, isOffered, plain, rangeText, same } from "./numbers.js";
import { Tree } from "./tree.js";

export class Live {
  /** `network` as the page's data has it; `evaluate` computes its figures at values. */
  constructor(network, evaluate) {
    this.network = network;
    this.evaluate = evaluate;
    this.figures = joined(network.figures.filter((figure) => figure.of === "layer"));
    this.ofNetwork = joined(network.figures.filter((figure) => figure.of === "network"));
    this.figure = new Map(this.figures.map((figure) => [figure.key, figure]));
    this.ownValues = Object.fromEntries(network.variables.map(({ label, own }) => [label, own]));
    this.values = { ...this.ownValues };
    this.sizes = new Set(network.variables.filter(({ kind }) => kind === "size").map(({ label }) => label));
    this.trees = new Map();
    this.own = this.now = evaluate(this.ownValues);
    this.compute();
  }

  /** The layers of now: at some settings, such as another depth, they are others. */
  get layers() {
    return this.#layersOf(this.now);
  }

  get tree() {
    return this.#treeOf(this.now);
  }

  /** What is to be said of the figures of now, such as that there are none of times. */
  get remark() {
    return this.problem === null ? this.now.remark : null;
  }

  /** What the steps of `now.memory` are. */
  get steps() {
    return this.network.steps?.[this.now.graph ?? 0] ?? this.layers.map(({ name }) => name);
  }

  get isOwn() {
    return this.network.variables.every(({ label }) => !this.isChanged(label));
  }

  #layersOf(result) {
    return this.network.layer_lists?.[result.graph ?? 0] ?? this.network.layers;
  }

  #treeOf(result) {
    const layers = this.#layersOf(result);
    if (!this.trees.has(layers)) this.trees.set(layers, new Tree(this.network, layers));
    return this.trees.get(layers);
  }

  /** How the figures of a layer come about, at the own values. */
  derivation(layer) {
    const { derivation } = layer;
    return (typeof derivation === "number" ? this.network.derivations[derivation] : derivation) ?? [];
  }

  isChanged(label) {
    return !same(this.values[label], this.ownValues[label]);
  }

  /** Computes all figures at `values`. */
  compute() {
    this.problem = this.#refused();
    if (this.problem === null) {
      const found = this.evaluate(this.values);
      this.problem = found.problem ?? null;
      if (this.problem === null) this.now = found; // else the layers stay, without numbers
    }
    this.sums = new Map();
  }

  /** Why values are none that the functions are for, or null: they are, at the steps of each. */
  #refused() {
    for (const variable of this.network.variables) {
      const value = this.values[variable.label];
      if (!isOffered(variable, value)) return rangeText(variable, value);
    }
    return null;
  }

  /** A figure of a layer or of all of a block, or undefined where there is nothing to say. */
  value(item, key) {
    return this.problem === null ? this.#of(this.now, item, key, this.sums) : undefined;
  }

  /** Whether it differs from what it is at the own values. */
  differs(item, key) {
    if (this.isOwn || this.problem !== null) return false;
    const tree = this.#treeOf(this.own);
    const before = tree === this.tree ? item : tree.like(item);
    return before === null || !same(this.value(item, key), this.#of(this.own, before, key, null));
  }

  /** Whether the shape of its output differs so. */
  shapeDiffers(item) {
    if (this.isOwn || this.problem !== null || !item.layers.length) return false;
    const before = this.tree === this.#treeOf(this.own) ? item : this.#treeOf(this.own).like(item);
    return before === null || !same(this.shape(item), this.own.shapes[lastOf(before)]);
  }

  /** Whether the page's functions compute it. */
  has(key) {
    const axes = this.figure.get(key)?.axes;
    return axes ? axes.some((axis) => axis in this.now.layers) : key in this.now.layers;
  }

  #of(result, item, key, sums) {
    const axes = this.figure.get(key)?.axes;
    if (axes) {
      const parts = axes
        .map((axis) => this.#of(result, item, axis, sums))
        .filter((part) => part !== undefined);
      return parts.length ? parts : undefined;
    }
    const values = result.layers[key];
    if (values === undefined || item.layers.length === 0) return undefined;
    if (!item.folds) return values[item.layers[0]];
    const figure = this.figure.get(key);
    if (figure === undefined || !isSummed(figure))
      return ["FLAG", "TEXT"].includes(figure?.unit) ? undefined : values[lastOf(item)];
    const known = sums?.get(key);
    if (known?.has(item.id)) return known.get(item.id);
    const sum = sumOf(values, item.counted);
    if (sums !== null) {
      if (known === undefined) sums.set(key, new Map([[item.id, sum]]));
      else known.set(item.id, sum);
    }
    return sum;
  }

  /** Its part of the whole network, or NaN. */
  share(item, key) {
    return plain(this.value(item, key) ?? NaN) / this.total(key);
  }

  /** A figure of the whole network in a result; undefined where there is none. */
  totalIn(result, { key, axes }) {
    if (!axes) return result.totals[key];
    const parts = axes.map((axis) => result.totals[axis]).filter((part) => part !== undefined);
    return parts.length ? parts : undefined;
  }

  /** The sum over the network. */
  total(key) {
    const total = this.now.totals[key];
    return plain(
      total === undefined || total === null ? this.#of(this.now, this.tree.root, key, this.sums) : total,
    );
  }

  /** The shape of an output: that of its last layer, for a block. */
  shape(item) {
    if (this.problem !== null) return undefined;
    if (item.type === "input") return this.inputShape(item.name);
    return item.layers.length ? this.now.shapes[lastOf(item)] : undefined;
  }

  /** The shape of an input of the network: its own, with the sizes that have been set. */
  inputShape(name) {
    const n = this.network.inputs.findIndex((input) => input.name === name);
    if (n < 0) return undefined;
    if (this.now.inputs) return this.now.inputs[n];
    const { shape } = this.network.inputs[n];
    const labels = n === 0 ? (SIZES[shape.length] ?? []) : [];
    const set = (label) => (this.sizes.has(label) ? this.values[label] : undefined);
    return shape.map((size, axis) => set(`${name}[${axis}]`) ?? set(labels[axis - 1]) ?? size);
  }
}

const SIZES = { 2: ["L"], 3: ["H", "W"], 4: ["D", "H", "W"] }; // by the number of axes, channels with them

export const isSummed = (figure) => figure?.summed ?? (figure?.unit === "COUNT" || figure?.unit === "BYTES");

const lastOf = (item) => item.counted[item.counted.length - 1];

function sumOf(values, indices) {
  let sum = 0;
  let open = false;
  for (const index of indices) {
    const value = values[index];
    if (value === null || value === undefined) open = true;
    else if (value instanceof AtLeast) [sum, open] = [added(sum, value.value), true];
    else sum = added(sum, value);
  }
  return open ? new AtLeast(sum) : sum;
}

/** Figures with one entry for each axis, such as field_y and field_x, as one with `axes`. */
function joined(figures) {
  const found = new Map();
  for (const figure of figures) {
    const { key, axis } = figure;
    if (!axis) found.set(key, figure);
    else {
      const base = key.slice(0, -axis.length - 1);
      const named = (text) => text?.replace(new RegExp(`,? ${axis}$`), "");
      if (!found.has(base))
        found.set(base, {
          ...figure,
          key: base,
          axes: [],
          heading: named(figure.heading),
          short: named(figure.short),
        });
      found.get(base).axes.push(key);
    }
  }
  return [...found.values()];
}
