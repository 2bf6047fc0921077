// The state of the page in its link: #layer=…&alpha=0.5&sort=macs; of the second network with "2.".

import { exact, typed } from "./numbers.js";

const OURS = ["network", "layer", "sort", "heat", "find", "kind", "open", "columns"];

/** The parts of a link, one set for each network that is shown. */
export function readLink(hash) {
  const parts = [new Map(), new Map()];
  for (const [key, value] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const [, second, name] = /^(2\.)?(.*)$/s.exec(key);
    parts[second ? 1 : 0].set(name, value);
  }
  return parts;
}

export function writeLink(views) {
  const link = new URLSearchParams();
  views.forEach((view, n) => {
    for (const [key, value] of stateOf(view)) link.append((n ? "2." : "") + key, value);
  });
  const text = link.toString().replace(/%2C/g, ",").replace(/%2F/g, "/");
  try {
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  } catch {
    // a page in a frame of another, such as a notebook, has no link of its own
  }
}

function* stateOf(view) {
  const { live } = view;
  if (view.isNamed) yield ["network", live.network.name];
  for (const { label } of live.network.variables)
    if (live.isChanged(label)) yield [keyOf(label), typed(live.values[label])];
  if (view.chosen) yield ["layer", view.chosen.name];
  if (view.sort) yield ["sort", view.sort.key + (view.sort.down ? "" : ":up")];
  if (view.heat !== view.ownHeat) yield ["heat", view.heat];
  if (view.text) yield ["find", view.text];
  if (view.kind) yield ["kind", view.kind];
  if (view.columns.join() !== view.ownColumns.join()) yield ["columns", view.columns.join(",")];
  if (!view.isFirstOpen)
    yield ["open", ranges([...view.opened].map((item) => item.id).sort((a, b) => a - b))];
}

/** Takes the state of a link; what it does not name is as it is at first. */
export function takeLink(view, link) {
  const { live } = view;
  const values = Object.create(null); // a parameter may be called __proto__
  for (const variable of live.network.variables) {
    const text = link.get(keyOf(variable.label));
    if (text !== undefined) values[variable.label] = valueOf(variable, text);
  }
  Object.assign(live.values, live.ownValues, values);
  live.compute();
  const [sort, side] = (link.get("sort") ?? "").split(":");
  view.sort = sort ? { key: sort, down: side !== "up" } : null;
  view.heat = live.figure.has(link.get("heat")) ? link.get("heat") : view.ownHeat;
  view.text = link.get("find") ?? "";
  view.kind = link.get("kind") ?? "";
  view.columns = link.has("columns") ? link.get("columns").split(",") : view.ownColumns;
  const { items } = live.tree;
  view.opened = link.has("open")
    ? new Set(
        numbers(link.get("open"), items.length)
          .map((n) => items[n])
          .filter((item) => item?.folds),
      )
    : live.tree.firstOpen;
  view.chosen = link.has("layer") ? live.tree.called(link.get("layer")) : null;
}

function valueOf({ own, choices }, text) {
  return choices ? (choices.find((choice) => typed(choice) === text) ?? own) : (exact(text) ?? own);
}

// A parameter may be called as a part of the state is.
const keyOf = (label) => (OURS.includes(label) || label.startsWith("2.") ? `set.${label}` : label);

/** 3-7,9 for 3, 4, 5, 6, 7, 9. */
function ranges(sorted) {
  const found = [];
  for (const n of sorted) {
    const last = found[found.length - 1];
    if (last && last[1] === n - 1) last[1] = n;
    else found.push([n, n]);
  }
  return found.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(",");
}

function numbers(text, most) {
  return text.split(",").flatMap((part) => {
    const found = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (found === null) return [];
    const [first, last] = [Number(found[1]), Math.min(Number(found[2] ?? found[1]), most - 1)];
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n);
  });
}
