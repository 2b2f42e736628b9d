// The box one writes in: Enter sends, a draft outlives the page, and a message that was sent can be changed in it.

import { the, words } from "./page.js";

/**
 * @typedef {{
 *   send: (text: string) => boolean,
 *   change: (seq: number, text: string) => void,
 *   typing: () => void,
 * }} Ends `send` tells whether the text was taken
 */

const OFTEN = 3000; // milliseconds between two words that somebody writes
const DRAFT = "presence-draft";

export class Composer {
  #typedAt = 0;
  #editing = 0; // the seq of what is changed
  #kept = ""; // what was there before

  /** @param {Ends} ends */
  constructor(ends) {
    this.ends = ends;
    /** @type {HTMLTextAreaElement} */
    this.box = the("message");
    this.box.value ||= draft() ?? "";
    the("compose").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#submit();
    });
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("keydown", (event) => this.#keyed(event));
    the("leave-editing").addEventListener("click", () => this.#leave());
  }

  get text() {
    return this.box.value.trim();
  }

  /** @param {string} text */
  set text(text) {
    this.box.value = text;
    if (!this.#editing) draft(text);
  }

  /**
   * Show why it was not taken.
   * @param {string} [wrong]
   */
  complain(wrong = "") {
    the("message-wrong").textContent = wrong;
  }

  /**
   * Change a message that was sent.
   * @param {number} seq
   * @param {string} text
   */
  edit(seq, text) {
    if (!this.#editing) this.#kept = this.box.value;
    this.#editing = seq;
    this.box.value = text;
    the("editing").hidden = false;
    this.box.focus();
  }

  #leave() {
    this.#editing = 0;
    this.box.value = this.#kept;
    the("editing").hidden = true;
    this.box.focus();
  }

  #typed() {
    this.complain();
    if (this.#editing) return;
    draft(this.box.value);
    if (Date.now() - this.#typedAt < OFTEN) return;
    this.#typedAt = Date.now();
    this.ends.typing();
  }

  /** @param {KeyboardEvent} event */
  #keyed(event) {
    if (event.key === "Escape" && this.#editing) return this.#leave();
    // On a phone the keyboard's Enter begins a line; there is a button to send.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    the("compose").requestSubmit();
  }

  #submit() {
    const text = this.text;
    if (!text) {
      this.box.focus();
    } else if (text.length > 8000) {
      this.complain(words["refused_too-long"]);
    } else if (this.#editing) {
      this.ends.change(this.#editing, text);
      this.#leave();
    } else if (this.ends.send(text)) {
      this.text = "";
      this.#typedAt = 0;
      this.box.focus();
    }
  }
}

/**
 * What was written and not sent, for as long as this tab lives; given a text, keeps it.
 * @param {string} [text]
 */
function draft(text) {
  try {
    if (text === undefined) return sessionStorage.getItem(DRAFT);
    sessionStorage.setItem(DRAFT, text);
  } catch {
    // then it lives as long as the page
  }
  return null;
}
