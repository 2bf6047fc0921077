"use strict";
const body = document.querySelector("tbody");
const rows = [...body.rows];
const value = (row, column) => {
  const { value } = row.cells[column].dataset;
  return value === "" ? null : Number.isNaN(Number(value)) ? value : Number(value);
};
// What has no figure stands last, whichever way.
const order = (column, sign) => (a, b) => {
  const [x, y] = [value(a, column), value(b, column)];
  if (x === null || y === null) return (x === null) - (y === null);
  return sign * (typeof x === "string" ? x.localeCompare(y, "en") : x - y);
};
for (const [column, head] of [...document.querySelectorAll("thead th")].entries()) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const before = head.getAttribute("aria-sort");
    const first = column === 0 ? "ascending" : "descending";
    const other = column === 0 ? "descending" : "ascending";
    const now = before === first ? other : first;
    for (const each of head.parentNode.cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", now);
    body.append(...rows.sort(order(column, now === "ascending" ? 1 : -1)));
  });
}
const filter = document.querySelector("#filter");
const input = filter.querySelector("input");
filter.hidden = false;
const show = () => {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const text = row.cells[0].textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    count += !row.hidden;
  }
  filter.querySelector("output").textContent = `${count} of ${rows.length}`;
};
input.addEventListener("input", show);
show();
