// Where the arrow keys lead: along the edges of what is drawn, into open blocks and out of them.

import { Port } from "./tree.js";

/** What comes behind an item: the first that takes its output; inside an open block, its first. */
export function next(plan, at, item) {
  if (at.get(item)?.open) return item.children[0];
  return follow(plan, item, item) ?? item;
}

function follow(plan, item, start) {
  const edge = plan.edges.find((edge) => edge.from === item && edge.to !== start);
  if (edge === undefined) return null;
  if (!(edge.to instanceof Port)) return edge.to;
  return item.parent?.parent ? follow(plan, item.parent, start) : null;
}

/** What stands before it: the first whose output it takes, or the block that it is the first of. */
export function previous(plan, at, item) {
  const edge = plan.edges.find((edge) => edge.to === item);
  if (edge === undefined) return item;
  if (edge.from instanceof Port) return item.parent;
  return lastIn(plan, at, edge.from, edge.sources[0]);
}

function lastIn(plan, at, item, source) {
  let found = item;
  while (at.get(found)?.open) {
    const inside = found;
    found =
      inside.children.find((child) => child === source || child.layers.includes(source.layers[0])) ??
      inside.children[0];
  }
  return found;
}

/** The nearest at one side, about as high. */
export function besides(plan, at, item, side) {
  const here = at.get(item);
  const middle = (box) => [box.x + box.width / 2, box.y + (box.open ? 15 : box.height / 2)];
  const [x, y] = middle(here);
  let best = item;
  let least = Infinity;
  for (const box of plan.boxes) {
    if (box === here || box.item.parent !== item.parent) continue;
    const [u, v] = middle(box);
    const [across, off] = [(u - x) * side, Math.abs(v - y)];
    if (across > 4 && off < 150 && across + 3 * off < least) {
      least = across + 3 * off;
      best = box.item;
    }
  }
  return best;
}
