// What is said to a customer who is asked to wait, or turned away: in one's own words, or in ready-made ones of their language.

import { element } from "../shared/text.js";
import { dialog, field, place, say, write } from "./page.js";

/**
 * @typedef {import("../shared/calls.js").Call} Call
 * @typedef {"hold" | "reject"} What
 */

/** @type {Record<What, Record<string, string[]>>} by language */
const READY = JSON.parse(place("ready").textContent ?? "{}");

export class Answer {
  #call = "";
  /** @type {What} */ #what = "hold";

  /** @param {(call: string, what: What, text: string) => void} give */
  constructor(give) {
    place("answer").addEventListener("submit", (event) => {
      event.preventDefault();
      dialog("answer").close();
      if (/** @type {SubmitEvent} */ (event).submitter?.getAttribute("value")) give(this.#call, this.#what, field("answer-text").value.trim());
    });
    place("answer-ready").addEventListener("click", (event) => {
      const chosen = /** @type {Element} */ (event.target).closest("button");
      if (!chosen) return;
      field("answer-text").value = chosen.textContent ?? "";
      field("answer-text").focus();
    });
  }

  /**
   * @param {Call} call
   * @param {What} what
   */
  open({ call, name, language }, what) {
    this.#call = call;
    this.#what = what;
    write(place("answer-title"), say(`${what}_title`, { name: name || say("no_name") }));
    write(place("answer-give"), say(`${what}_give`));
    place("answer-give").classList.toggle("danger", what === "reject");
    const ready = READY[what][language] ?? READY[what][document.documentElement.lang] ?? [];
    place("answer-ready").replaceChildren(...ready.map((text) => element("li", {}, element("button", { type: "button", lang: language }, text))));
    field("answer-text").value = "";
    dialog("answer").showModal();
  }
}
