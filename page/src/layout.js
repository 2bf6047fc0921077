// Where the items of a network stand: each open block is laid out by itself, and is then one box
// of the block around it. What crosses its border does so at a port, at the same place on both sides.

import { Graph, layout } from "@dagrejs/dagre";
import { Port } from "./tree.js";

export const HEADER = 30; // of an open block
const PADDING = 14;
const RANKS = 40; // between one row and the next: an arrow and the shape beside it
const NODES = 26;
const [INSIDE, OUTSIDE] = [16, 12]; // between the first or last box of a block and its border
const known = new Map(); // what dagre said, by what it was asked

/** All that is seen: {width, height, boxes: [{item, x, y, width, height, open}], edges: [{points, …}]}. */
export function layOut(tree, open, sizeOf) {
  const inside = arrange(tree.root, open, sizeOf, tree.inputs);
  const boxes = [];
  const edges = [];
  place(inside, PADDING, PADDING, boxes, edges);
  return { width: inside.width + 2 * PADDING, height: inside.height + 2 * PADDING, boxes, edges };
}

function arrange(container, open, sizeOf, inputs) {
  const items = [...inputs, ...container.children];
  const parts = items.map((item) => {
    if (!open.has(item)) return { item, ...sizeOf(item), inside: null };
    const inside = arrange(item, open, sizeOf, []);
    const width = Math.max(inside.width + 2 * PADDING, sizeOf(item).width);
    return { item, width, height: inside.height + HEADER + PADDING, inside };
  });
  const numbers = new Map(items.map((item, n) => [item, n]));
  const ports = [];
  const portOf = new Map();
  const endOf = (end) => {
    if (!(end instanceof Port)) return numbers.get(end);
    const name = `${end.out} ${end.source.id}`;
    if (!portOf.has(name)) portOf.set(name, ports.push(end) - 1);
    return items.length + portOf.get(name);
  };
  const edges = merged(container.edges, (end) => open.has(end)).map((edge) => ({
    ...edge,
    v: endOf(edge.from),
    w: endOf(edge.to),
  }));
  const asked = JSON.stringify([
    parts.map(({ width, height }) => [width, height]),
    ports.map((port) => port.out),
    edges.map(({ v, w }) => [v, w]),
  ]);
  if (!known.has(asked)) known.set(asked, drawn(parts, ports, edges));
  return { ...known.get(asked), parts, ports, edges };
}

/** Between two that are folded one edge is enough, whatever flows along it. */
function merged(edges, isOpen) {
  const found = new Map();
  for (const edge of edges) {
    const single =
      isOpen(edge.from) || isOpen(edge.to) || edge.from instanceof Port || edge.to instanceof Port;
    const name = single ? edge : `${edge.from.id} ${edge.to.id}`;
    const before = found.get(name);
    if (before === undefined) found.set(name, { ...edge, sources: [edge.source] });
    else before.sources.push(edge.source);
  }
  return [...found.values()];
}

function drawn(parts, ports, edges) {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", ranksep: RANKS, nodesep: NODES, edgesep: 14 });
  graph.setDefaultEdgeLabel(() => ({}));
  parts.forEach(({ width, height }, n) => graph.setNode(String(n), { width, height }));
  ports.forEach((port, n) => {
    const name = String(parts.length + n);
    graph.setNode(name, { width: 1, height: 0 });
    // At the border, whatever is in between.
    if (port.out) graph.setEdge(name, "bottom", { weight: 50 }, "border");
    else graph.setEdge("top", name, { weight: 50 }, "border");
  });
  for (const border of ["top", "bottom"])
    if (graph.hasNode(border)) graph.setNode(border, { width: 1, height: 0 });
  edges.forEach(({ v, w }, n) => graph.setEdge(String(v), String(w), { weight: 1 }, String(n)));
  layout(graph);
  return cropped(graph, parts, ports, edges);
}

/** The same from the upper left corner of what is seen: the two borders are not. */
function cropped(graph, parts, ports, edges) {
  const nodes = parts.map((_, n) => graph.node(String(n)));
  const ends = ports.map((_, n) => graph.node(String(parts.length + n)));
  const lines = edges.map(({ v, w }, n) => graph.edge(String(v), String(w), String(n)).points);
  bringNearer(nodes, ports, ends, edges, lines, parts.length);
  const all = [
    ...nodes.map(({ x, y, width, height }) => ({
      left: x - width / 2,
      right: x + width / 2,
      top: y - height / 2,
      bottom: y + height / 2,
    })),
    ...[...ends, ...lines.flat()].map(({ x, y }) => ({ left: x, right: x, top: y, bottom: y })),
  ];
  const least = (key) => all.reduce((found, box) => Math.min(found, box[key]), Infinity);
  const most = (key) => all.reduce((found, box) => Math.max(found, box[key]), -Infinity);
  const [x0, y0] = [least("left"), least("top")];
  const moved = ({ x, y }) => ({ x: x - x0, y: y - y0 });
  return {
    width: most("right") - x0,
    height: most("bottom") - y0,
    corners: nodes.map(({ x, y, width, height }) => ({ x: x - width / 2 - x0, y: y - height / 2 - y0 })),
    portsAt: ends.map(moved),
    lines: lines.map((points) => points.map(moved)),
  };
}

/** Takes away space at the borders: no box stands beside a port. */
function bringNearer(nodes, ports, ends, edges, lines, count) {
  const first = Math.min(...nodes.map(({ y, height }) => y - height / 2));
  const last = Math.max(...nodes.map(({ y, height }) => y + height / 2));
  ends.forEach((end, n) => {
    if (ports[n].out) end.y = Math.max(Math.min(end.y, last + OUTSIDE), last);
    else end.y = Math.min(Math.max(end.y, first - INSIDE), first);
  });
  edges.forEach(({ v, w }, n) => {
    const points = lines[n];
    if (v >= count) points[0] = { x: ends[v - count].x, y: ends[v - count].y };
    if (w >= count) points[points.length - 1] = { x: ends[w - count].x, y: ends[w - count].y };
  });
}

function place(inside, x, y, boxes, edges) {
  const inner = inside.parts.map((part, n) => {
    const box = {
      item: part.item,
      x: x + inside.corners[n].x,
      y: y + inside.corners[n].y,
      width: part.width,
      height: part.height,
      open: part.inside !== null,
    };
    boxes.push(box);
    if (!box.open) return null;
    const left = box.x + (part.width - part.inside.width) / 2;
    place(part.inside, left, box.y + HEADER, boxes, edges);
    return { part, box, left };
  });
  inside.edges.forEach((edge, n) => {
    const points = inside.lines[n].map((point) => ({ x: x + point.x, y: y + point.y }));
    const { v, w } = edge;
    const count = inside.parts.length;
    // All leave a box in its middle and come in there; through an open block each goes on where its
    // port is; a port of this one is at the border.
    if (v < count)
      points[0] = {
        x: x + inside.corners[v].x + inside.parts[v].width / 2,
        y: y + inside.corners[v].y + inside.parts[v].height,
      };
    if (w < count)
      points[points.length - 1] = {
        x: x + inside.corners[w].x + inside.parts[w].width / 2,
        y: y + inside.corners[w].y,
      };
    const from = v < count ? inner[v] : null;
    const to = w < count ? inner[w] : null;
    if (from !== null)
      points[0] = { x: portX(from, edge.source, true, points[0].x), y: from.box.y + from.box.height };
    if (to !== null)
      points[points.length - 1] = {
        x: portX(to, edge.source, false, points[points.length - 1].x),
        y: to.box.y,
      };
    if (v >= count) points.unshift({ x: x + inside.portsAt[v - count].x, y: y - HEADER });
    if (w >= count) points.push({ x: x + inside.portsAt[w - count].x, y: y + inside.height + PADDING });
    edges.push({
      points,
      extent: extentOf(points),
      from: edge.from,
      to: edge.to,
      sources: edge.sources,
      arrow: w < count && to === null,
    });
  });
}

function extentOf(points) {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

function portX({ part, left }, source, out, otherwise) {
  const n = part.inside.ports.findIndex((port) => port.source === source && port.out === out);
  return n < 0 ? otherwise : left + part.inside.portsAt[n].x;
}
