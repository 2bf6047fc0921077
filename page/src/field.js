// What a unit sees, drawn on the input: a rectangle on a plain image, with its sizes.

import { s } from "./dom.js";
import { plain, short } from "./numbers.js";

const MOST = 210; // the longer side of the drawing
const EDGE = 34; // for the sizes around it

/**
 * The field of a layer's middle unit along two axes, or along one.
 *
 * `axes`: for each axis of the input {size, field, jump, offset, units}, as the page's data has them;
 * `units` is how many stand along it, null where they do not stand as the input's values do.
 */
export function drawField(axes) {
  const [y, x] = axes.length === 1 ? [{ size: 1, field: 1, thin: true }, axes[0]] : axes.slice(-2);
  const scale = MOST / Math.max(plain(x.size), plain(y.size), 1);
  const [width, height] = [plain(x.size) * scale, y.thin ? 18 : plain(y.size) * scale];
  const across = along(x);
  const down = y.thin ? { start: 0, end: 1, whole: true } : along(y);
  const per = y.thin ? 18 : scale;
  const clip = (value, size) => Math.max(0, Math.min(size, value));
  const [x0, x1] = [clip(across.start * scale, width), clip(across.end * scale, width)];
  const [y0, y1] = [clip(down.start * per, height), clip(down.end * per, height)];
  const pad = EDGE + overhang(across, scale, width, down, per, height);
  const words = said(axes);
  return s(
    "svg",
    {
      class: "field",
      role: "img",
      "aria-label": words,
      width: width + 2 * pad,
      height: height + 2 * pad,
      viewBox: `${-pad} ${-pad} ${width + 2 * pad} ${height + 2 * pad}`,
    },
    s("rect", { class: "input", width, height }),
    outside(across, down)
      ? s("rect", {
          class: "padding",
          x: across.start * scale,
          y: down.start * per,
          width: (across.end - across.start) * scale,
          height: (down.end - down.start) * per,
        })
      : null,
    s("rect", { class: "seen", x: x0, y: y0, width: Math.max(1.5, x1 - x0), height: Math.max(1.5, y1 - y0) }),
    s("text", { class: "size", x: width / 2, y: -pad + 12 }, `${short(x.size, "")}`),
    y.thin
      ? null
      : s(
          "text",
          {
            class: "size",
            x: -pad + 2,
            y: height / 2,
            transform: `rotate(-90 ${-pad + 12} ${height / 2})`,
            dx: 10,
            dy: 4,
          },
          short(y.size, ""),
        ),
    s("text", { class: "size own", x: (x0 + x1) / 2, y: height + pad - 8 }, words),
  );

  function outside(a, b) {
    return a.start < 0 || a.end > x.size || b.start < 0 || (!y.thin && b.end > y.size);
  }
}

// Padding is drawn as far as there is room; a field that is much larger than the input is cut off.
function overhang(a, scale, width, b, per, height) {
  const over = Math.max(-a.start * scale, a.end * scale - width, -b.start * per, b.end * per - height, 0);
  return Math.min(40, over);
}

/** Where it starts and ends along an axis, for the unit in the middle. */
function along({ size, field, jump, offset, units }) {
  if (typeof field === "string") return { start: 0, end: plain(size), whole: true };
  const length = plain(field);
  const first = plain(offset ?? NaN) + plain(jump ?? NaN) * Math.floor((units ?? NaN) / 2);
  const start = Number.isFinite(first) ? first : (plain(size) - length) / 2;
  return { start, end: start + length };
}

function said(axes) {
  return axes.some(({ field }) => field === "all")
    ? "all of it"
    : axes.map(({ field }) => short(field, "")).join("×");
}
