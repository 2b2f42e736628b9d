// Who is writing, asked with the first message: what the company wants to know, and where to answer when nobody is there.

import { mark, the, words } from "./page.js";

const FIELDS = ["name", "email"];
const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/** @type {(field: string) => HTMLInputElement} */
const input = (field) => the(`ask-${field}`);

export class Asked {
  /** @type {Set<string>} */ #needed = new Set();

  constructor() {
    for (const field of FIELDS) input(field).addEventListener("input", () => mark(`ask-${field}`));
  }

  /**
   * @param {string[]} needed the fields that must be filled in
   * @param {boolean} note whether to say that nobody is there
   */
  show(needed, note) {
    this.#needed = new Set(needed);
    for (const field of FIELDS) {
      const place = /** @type {HTMLElement} */ (input(field).closest("[data-field]"));
      place.hidden = !this.#needed.has(field);
      input(field).required = this.#needed.has(field);
    }
    the("ask-note").hidden = !note;
  }

  /**
   * What was filled in; null, and the first wrong field has the focus, when something is missing.
   * @returns {{ name: string, email: string } | null}
   */
  values() {
    /** @type {Record<string, string>} */
    const wrong = {};
    for (const field of this.#needed) {
      const value = input(field).value.trim();
      if (!value) wrong[field] = words.needed ?? "";
      else if (field === "email" && !ADDRESS.test(value)) wrong[field] = words.no_address ?? "";
    }
    return this.complain(wrong) ? null : { name: input("name").value.trim(), email: input("email").value.trim() };
  }

  /**
   * @param {Record<string, string>} wrong by field
   * @returns {boolean} whether anything of it is asked here
   */
  complain(wrong) {
    let first = true;
    for (const field of FIELDS) {
      mark(`ask-${field}`, wrong[field]);
      if (wrong[field] && first) {
        first = false;
        input(field).focus();
      }
    }
    return !first;
  }
}
