// The settings: sizes, batch, dtype, the spec's parameters, and what shapes the graph.

import { button, freshId, h, say, set } from "./dom.js";
import { exact, isOffered, plain, same, stepOf, typed, valueAt } from "./numbers.js";

export class Settings {
  constructor(view) {
    this.view = view;
    this.fields = view.live.network.variables.map((variable) => this.#field(variable));
    this.problem = h("p", { class: "problem", role: "alert" });
    this.remark = h("p", { class: "remark", role: "status" });
    this.restore = button("Own values", "Restore the network's own values", () => view.restore(), {
      class: "restore",
    });
    this.element = h(
      "section",
      { class: "settings", "aria-label": `Settings, ${view.name}` },
      h(
        "div",
        { class: "fields" },
        this.fields.map(({ element }) => element),
        this.restore,
      ),
      this.problem,
      this.remark,
    );
  }

  #field(variable) {
    const { label, kind, choices, meaning, titles } = variable;
    const id = freshId("setting");
    const reset = button(
      "↺",
      `${label}: its own value, ${kind === "flag" ? Boolean(variable.own) : typed(variable.own)}`,
      () => this.view.set({ [label]: variable.own }),
      { class: "reset" },
    );
    const name = h("label", { for: id, title: meaning || null }, label);
    const unit = h("span", { class: "unit" }, unitOf(variable));
    const top = h("div", { class: "name" }, name, unit, reset);
    if (kind === "flag") return this.#flag(variable, id, top, reset);
    if (choices) {
      const select = h(
        "select",
        { id, onchange: () => this.view.set({ [label]: choices[select.selectedIndex] }) },
        choices.map((choice, n) => h("option", { title: titles?.[n] }, typed(choice))),
      );
      const element = h("div", { class: `setting ${kind}` }, top, select);
      return {
        variable,
        element,
        reset,
        put: (value) => (select.selectedIndex = choices.findIndex((choice) => same(choice, value))),
      };
    }
    const box = h("input", {
      type: "text",
      inputmode: "decimal",
      id,
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.#typed(variable, box),
    });
    const range = this.#range(variable);
    const element = h("div", { class: `setting ${kind}` }, top, h("div", { class: "pair" }, range, box));
    const put = (value) => {
      if (document.activeElement !== box) box.value = value === null ? box.value : typed(value);
      else if (!same(exact(box.value), value)) box.value = typed(value);
      set(box, "aria-invalid", isOffered(variable, value) ? null : "true");
      if (range && value !== null) range.value = String(stepOf(variable, value));
    };
    return { variable, element, reset, put };
  }

  /** A box to tick, of 1 or 0. */
  #flag(variable, id, top, reset) {
    const { label } = variable;
    const box = h("input", {
      type: "checkbox",
      id,
      onchange: () => this.view.set({ [label]: Number(box.checked) }),
    });
    top.prepend(box);
    const element = h("div", { class: "setting flag" }, top);
    return { variable, element, reset, put: (value) => (box.checked = value === 1) };
  }

  /** A slider of whole steps, so that what it stands for is exact. */
  #range(variable) {
    const { label, minimum, maximum, step } = variable;
    if (minimum === null || maximum === null || minimum === undefined || maximum === undefined) return null;
    const steps = Math.round((plain(maximum) - plain(minimum)) / plain(step ?? 1));
    const range = h("input", {
      type: "range",
      min: 0,
      max: steps,
      step: 1,
      "aria-label": `${label}, slider`,
      oninput: () => this.view.set({ [label]: valueAt(variable, Number(range.value)) }),
    });
    range.addEventListener("input", () =>
      range.setAttribute("aria-valuetext", typed(valueAt(variable, Number(range.value)))),
    );
    return range;
  }

  #typed(variable, box) {
    this.view.set({ [variable.label]: exact(box.value) });
  }

  update() {
    const { live } = this.view;
    for (const { variable, element, reset, put } of this.fields) {
      put(live.values[variable.label]);
      const changed = live.isChanged(variable.label);
      element.classList.toggle("changed", changed);
      reset.hidden = !changed;
    }
    this.restore.disabled = live.isOwn;
    say(this.problem, live.problem ?? "");
    this.problem.hidden = live.problem === null;
    say(this.remark, live.remark ?? "");
    this.remark.hidden = !live.remark;
  }
}

// H and W are of pixels; what other sizes count, such as tokens, is not said.
function unitOf({ kind, label, unit }) {
  return unit ?? (kind === "size" && ["H", "W"].includes(label) ? "px" : "");
}
