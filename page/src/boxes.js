// The boxes of the diagram: what stands in them, and how large they are for it.

const NODE = 46; // the height of a box that is folded
const INPUT = 30;
const SHAPE = 100; // beside the name of an input
export const NAME = "600 12.5px system-ui, sans-serif";
export const ROW_NAME = "600 13px system-ui, sans-serif";
export const KIND = "11.5px system-ui, sans-serif";

/** What it is, in a line. */
export function kindOf(item) {
  if (item.type === "layer") return item.text ? `${item.kind} ${item.text}` : item.kind;
  if (item.type === "input") return "input";
  const count = `${item.layers.length} layer${item.layers.length === 1 ? "" : "s"}`;
  return item.type === "block" && item.kind !== "block" ? `${item.kind}, ${count}` : count;
}

/** How large a box is that is folded: whatever the numbers in it are. */
export function sizeOf(item) {
  const fold = item.folds ? 14 : 0;
  const width =
    Math.max(
      widthOf(item.label, NAME) + (item.type === "input" ? SHAPE : 62),
      widthOf(kindOf(item), KIND) + 44,
    ) +
    22 +
    fold;
  return {
    width: Math.round(Math.min(230, Math.max(150, width))),
    height: item.type === "input" ? INPUT : NODE,
  };
}

const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();

/** In pixels. */
export function widthOf(text, font) {
  const name = `${font} ${text}`;
  if (!widths.has(name)) {
    pen.font = font;
    widths.set(name, pen.measureText(text).width);
  }
  return widths.get(name);
}

/** As much of a text as there is room for; of a name with dots its end, which tells it from others. */
export function cutOff(text, font, room) {
  if (widthOf(text, font) <= room) return text;
  const part = (length) =>
    font.startsWith("600") && text.includes(".")
      ? `…${text.slice(text.length - length).replace(/^\.+/, "")}`
      : `${text.slice(0, length)}…`;
  let length = Math.min(text.length - 1, 60);
  while (length > 1 && widthOf(part(length), font) > room) length -= 1;
  return part(length);
}

/** A line through points, rounded between them. */
export function curve(points) {
  const at = ({ x, y }) => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
  if (points.length < 3) return `M${at(points[0])}L${at(points[points.length - 1])}`;
  let path = `M${at(points[0])}`;
  for (let n = 1; n < points.length - 1; n += 1) {
    const [here, after] = [points[n], points[n + 1]];
    const end = n === points.length - 2 ? after : { x: (here.x + after.x) / 2, y: (here.y + after.y) / 2 };
    path += `Q${at(here)} ${at(end)}`;
  }
  return path;
}
