// Handing a conversation over: to a colleague, seen as they are now, or to a team.

import { element } from "../shared/text.js";
import { dialog, field, ME, place, post, say } from "./page.js";
import { inOwnWords } from "./telling.js";
import { attempt, toast } from "./toasts.js";

/**
 * @typedef {import("./team.js").Team} Team
 * @typedef {{ value: string, name: string, state: string, remark: string }} Choice
 */

const BEST = ["available", "busy", "away", "offline"];

export class Transfer {
  #c = "";
  /** @type {Choice[]} */ #choices = [];
  #chosen = "";

  /**
   * @param {Team} team
   * @param {(c: string) => void} done
   */
  constructor(team, done) {
    this.team = team;
    this.done = done;
    field("transfer-find").addEventListener("input", () => this.#list());
    field("transfer-find").addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "Enter") return;
      event.preventDefault();
      const first = /** @type {HTMLInputElement | null} */ (place("transfer-to").querySelector("input:checked") ?? place("transfer-to").querySelector("input"));
      first?.focus();
      if (event.key === "Enter") first?.click();
    });
    place("transfer-to").addEventListener("change", (event) => (this.#chosen = /** @type {HTMLInputElement} */ (event.target).value));
    place("transfer").addEventListener("submit", (event) => {
      event.preventDefault();
      if (/** @type {SubmitEvent} */ (event).submitter?.getAttribute("value") === "transfer") void this.#transfer();
      else dialog("transfer").close();
    });
  }

  /** @param {import("./rows.js").Row} row */
  open(row) {
    this.#c = row.c;
    this.#chosen = "";
    const people = [...this.team.people.values()].filter(({ id }) => id !== ME.id && id !== row.adviser?.id);
    people.sort((a, b) => BEST.indexOf(a.state) - BEST.indexOf(b.state) || a.name.localeCompare(b.name));
    this.#choices = [
      ...people.map((one) => ({ value: `adviser ${one.slug}`, name: one.name, state: one.state, remark: `${say(one.state)} · ${say("load_of", { load: one.load, capacity: one.capacity })} · ${one.languages.join(", ")}` })),
      ...this.team.groups.map(({ slug, name }) => ({ value: `team ${slug}`, name: inOwnWords(name) || slug, state: "", remark: say("team") })),
    ];
    field("transfer-find").value = "";
    this.#list();
    dialog("transfer").showModal();
  }

  #list() {
    const wish = field("transfer-find").value.trim().toLowerCase();
    const items = this.#choices
      .filter(({ name, value }) => `${name} ${value}`.toLowerCase().includes(wish))
      .map(({ value, name, state, remark }) => {
        const radio = element("input", { type: "radio", name: "to", value });
        radio.checked = value === this.#chosen;
        const dot = element("span", { class: "dot", "aria-hidden": "true", "data-state": state || "team" });
        return element("label", { class: "person" }, radio, dot, element("b", {}, name), element("small", {}, remark));
      });
    const legend = /** @type {Element} */ (place("transfer-to").querySelector("legend"));
    place("transfer-to").replaceChildren(legend, ...(items.length ? items : [element("p", { class: "quiet" }, say("nobody_found"))]));
  }

  async #transfer() {
    const [kind, slug] = this.#chosen.split(" ");
    if (!kind) return toast(say("choose_somebody"), { bad: true });
    dialog("transfer").close();
    if ((await attempt(post(`/desk/conversations/${this.#c}/transfer`, { [kind]: slug }))) === undefined) return;
    toast(say("handed_over"));
    this.done(this.#c);
  }
}
