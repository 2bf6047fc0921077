// Which rows a table has, and in which order: nested by block, ranked, or found.

import { plain } from "./numbers.js";

/**
 * The items of a table, each a row.
 *
 * Nested, unless they are sorted or filtered: then folded blocks and the layers that stand open are
 * ranked alike, and of what was looked for there are the layers, wherever they stand.
 */
export function rowsOf(live, opened, { sort, found }) {
  let rows;
  if (found !== null) rows = live.tree.ofLayer.filter((item) => found.has(item));
  else rows = live.tree.visible(opened);
  if (sort === null) return rows;
  if (found === null) rows = rows.filter((item) => !opened.has(item));
  const by = keysOf(live, sort.key, rows);
  const side = sort.down ? -1 : 1;
  return rows
    .map((item, n) => [item, by[n], n])
    .sort(([, a, n], [, b, m]) => compared(a, b, side) || n - m)
    .map(([item]) => item);
}

function keysOf(live, key, rows) {
  if (key === "name") return rows.map((item) => item.name);
  if (key === "kind") return rows.map((item) => item.kind);
  if (key === "output")
    return rows.map((item) => (live.shape(item) ?? []).reduce((product, size) => product * plain(size), 1));
  return rows.map((item) => live.value(item, key));
}

// Behind all that has a size stands what has none, whichever way they are sorted.
function compared(a, b, side) {
  if (typeof a === "string" && typeof b === "string" && a !== "all" && b !== "all")
    return side * a.localeCompare(b, "en", { numeric: true });
  const [x, y] = [sized(a), sized(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
  return x === y ? 0 : side * (x < y ? -1 : 1);
}

const sized = (value) =>
  value === "all"
    ? Infinity
    : typeof value === "boolean"
      ? Number(value)
      : value === null || value === undefined
        ? NaN
        : plain(value);

/**
 * What was looked for: the layers that have every word in their name, kind or text, and the blocks
 * that they stand in; null where nothing was.
 */
export function search(tree, text, kind) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length && !kind) return null;
  const found = new Set();
  for (const item of tree.ofLayer) {
    if (kind && item.kind !== kind) continue;
    const line = `${item.name} ${item.kind} ${item.text}`.toLowerCase();
    if (!words.every((word) => line.includes(word))) continue;
    found.add(item);
    for (let block = item.parent; block.parent; block = block.parent) found.add(block);
  }
  return found;
}

/** The kinds of a network's layers, each with how many there are. */
export function kindsOf(tree) {
  const counts = new Map();
  for (const item of tree.ofLayer) counts.set(item.kind, (counts.get(item.kind) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a.localeCompare(b, "en"));
}
