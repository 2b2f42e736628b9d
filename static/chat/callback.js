// Nobody answered: where and when the customer wishes to be called.

import { Refusal, ask } from "../shared/ask.js";
import { filled } from "../shared/text.js";
import { clock, dayName } from "../shared/time.js";
import { failed } from "./dialogs.js";
import { mark, the } from "./page.js";

const SOON = 30 * 60_000; // milliseconds; the first hour that is proposed is at least so far away

export class CallBack {
  #call = "";

  /**
   * @param {Record<string, string>} words
   * @param {(said: string) => void} done tells what was agreed
   */
  constructor(words, done) {
    this.words = words;
    this.done = done;
    for (const field of ["phone", "at"]) the(`callback-${field}`).addEventListener("input", () => mark(`callback-${field}`));
    the("callback-at").addEventListener("focus", () => (the("callback-when-at").checked = true));
    the("callback").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#ask();
    });
  }

  /**
   * @param {string} call that nobody answered
   * @param {number} now no hour that has passed can be chosen
   */
  prepare(call, now) {
    this.#call = call;
    const local = (/** @type {number} */ at) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
    the("callback-at").min = local(now);
    the("callback-at").value ||= local(Math.ceil((now + SOON) / 3_600_000) * 3_600_000);
  }

  async #ask() {
    const [phone, wish] = [the("callback-phone").value.trim(), the("callback-when-at").checked ? the("callback-at").value : null];
    if (this.#complain({ phone: phone ? "" : this.words.needed, at: wish === "" ? this.words.needed : "" })) return;
    const at = wish && new Date(wish).getTime();
    the("calling-wrong").textContent = "";
    try {
      await ask(`/calls/${this.#call}/callback`, { phone, at, text: the("callback-text").value.trim() });
    } catch (error) {
      const fields = error instanceof Refusal ? error.errors : {};
      if (!this.#complain(fields)) the("calling-wrong").textContent = Object.values(fields)[0] ?? failed(error);
      return;
    }
    const moment = at ? `${dayName(at)}, ${clock(at)}` : (this.words.as_soon_as_possible ?? "");
    this.done(filled(this.words.called_back, { phone: phone.replaceAll(" ", "\u00a0"), moment }));
  }

  /**
   * @param {Record<string, string | undefined>} wrong by field
   * @returns {boolean} whether anything of it is asked here; the first has the focus then
   */
  #complain(wrong) {
    for (const field of ["phone", "at"]) mark(`callback-${field}`, wrong[field]);
    const first = /** @type {HTMLElement | null} */ (the("callback").querySelector("[aria-invalid]"));
    first?.focus();
    return first !== null;
  }
}
