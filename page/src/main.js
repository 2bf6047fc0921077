// The page: one network, or two side by side.

import { button, h, isTyping, set } from "./dom.js";
import { readLink, writeLink } from "./link.js";
import { Live } from "./live.js";
import { View } from "./view.js";

const data = JSON.parse(document.getElementById("archcalc-data").textContent);
const root = document.getElementById("archcalc");
const lives = new Map();
const panes = h("div", { class: "views" });
let views = [];
let started = false;

function liveOf(network, place) {
  const name = `${place} ${data.networks.indexOf(network)}`;
  if (!lives.has(name))
    lives.set(name, new Live(network, globalThis.archcalcEvaluate[data.networks.indexOf(network)]));
  return lives.get(name);
}

const named = (name) => data.networks.find((network) => network.name === name);

function changed() {
  if (!started) return;
  writeLink(views);
  if (views.length === 2) views[1].totals.update();
}

/** Shows networks, at most two, at the settings of a link. */
function show(networks, link) {
  started = false;
  views = networks.map(
    (network, n) =>
      new View(
        liveOf(network, n),
        network.name + (networks.indexOf(network) < n ? ", beside itself" : ""),
        changed,
      ),
  );
  views.forEach(
    (view, n) =>
      (view.isNamed = networks.length > 1 || n > 0 || networks[0] !== data.networks[0] || startsWithTwo()),
  );
  if (views.length === 2) views[1].beside = views[0].live;
  panes.replaceChildren(...views.map((view) => view.element));
  panes.classList.toggle("two", views.length === 2);
  selects.forEach((select, n) => (select.value = networks[n]?.name ?? ""));
  views.forEach((view, n) => view.start(link[n]));
  started = true;
}

const startsWithTwo = () => data.networks.length === 2;

function fromLink() {
  const link = readLink(location.hash);
  const first = named(link[0].get("network"));
  const second = named(link[1].get("network"));
  if (!first && !second && startsWithTwo()) show(data.networks, link);
  else show([first ?? data.networks[0], second].filter(Boolean), link);
}

const none = [new Map(), new Map()];
const selects =
  data.networks.length < 2
    ? []
    : ["Network", "Beside it"].map((label, n) => {
        const none_ = n ? [h("option", { value: "" }, "none")] : [];
        return h(
          "select",
          { "aria-label": label, onchange: chosen },
          none_,
          data.networks.map(({ name }) => h("option", { value: name }, name)),
        );
      });

function chosen() {
  show(selects.map(({ value }) => named(value)).filter(Boolean), none);
  changed();
}

/** Light or dark: as the system has it, until one says otherwise. */
function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try {
      return localStorage.getItem("archcalc-theme");
    } catch {
      return null; // a page from a file may have no storage
    }
  };
  const put = (name) => {
    set(document.documentElement, "data-theme", name);
    try {
      localStorage.setItem("archcalc-theme", name);
    } catch {
      // it holds until the page is closed
    }
  };
  const before = kept();
  if (before === "light" || before === "dark") set(document.documentElement, "data-theme", before);
  const isDark = () =>
    (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  return button("◐", "Light or dark", () => put(isDark() ? "light" : "dark"), { class: "theme" });
}

const keys = h(
  "details",
  { class: "menu keys" },
  h("summary", {}, "Keys"),
  h(
    "dl",
    { class: "choices" },
    [
      ["/", "find a layer; Enter goes to the next that was found"],
      ["↓ ↑", "along the edges of the diagram; along the rows of the table"],
      ["→ ←", "to the branch beside; in the table unfold and fold"],
      ["Enter", "fold or unfold the chosen block"],
      ["Escape", "fold the block around; choose nothing"],
      ["+ − 0", "zoom the diagram, fit it"],
      ["Ctrl + wheel", "zoom at the pointer"],
    ].map(([key, words]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, words))),
  ),
);

root.replaceChildren(
  h(
    "header",
    { class: "top" },
    h("h1", {}, "archcalc"),
    h("span", { class: "version" }, data.archcalc),
    h("div", { class: "choose" }, selects.length ? [selects[0], h("span", {}, "beside"), selects[1]] : null),
    keys,
    theme(),
  ),
  h("main", {}, panes),
);

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || isTyping(event.target)) return;
  event.preventDefault();
  views[0].box.focus();
  views[0].box.select();
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});
addEventListener("hashchange", fromLink);
fromLink();
performance.mark("archcalc-ready");
