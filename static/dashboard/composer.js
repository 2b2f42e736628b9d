// Where an adviser writes: replies and notes apart, each kept for its conversation until it has been sent.

import { sizeOf } from "../shared/text.js";
import { Suggestions } from "./canned.js";
import { button, field, ME, place, say, sendFile, write } from "./page.js";
import { complain, toast } from "./toasts.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {"reply" | "note"} Mode
 * @typedef {{ mode: Mode, reply: string, note: string }} Draft
 * @typedef {import("../shared/lines.js").Said} Said
 */

const TYPING = 3_000; // milliseconds between two words that somebody is writing

export class Composer {
  #row = /** @type {Row | null} */ (null);
  #may = false;
  #toldAt = -Infinity;
  /** @type {Draft} */ #draft = { mode: "reply", reply: "", note: "" };
  /** @type {Said | null} */ #editing = null;

  /** @param {{ send: (kind: string, body: any) => void, typing: () => void }} ends */
  constructor(ends) {
    this.ends = ends;
    this.form = place("composer");
    this.text = /** @type {HTMLTextAreaElement} */ (place("text"));
    this.suggestions = new Suggestions(this.text, () => (this.#row && this.mode === "reply" ? { ...this.#row.customer, language: this.#row.language } : null));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.form.addEventListener("click", (event) => {
      const mode = /** @type {Element} */ (event.target).closest(".modes button")?.getAttribute("data-mode");
      if (mode) this.write(/** @type {Mode} */ (mode));
    });
    this.text.addEventListener("input", () => this.#typed());
    this.text.addEventListener("keydown", (event) => this.#keyed(event));
    this.text.addEventListener("paste", (event) => this.#files(event, event.clipboardData));
    button("leave-editing").addEventListener("click", () => this.edit(null));
    button("attach").addEventListener("click", () => field("file").click());
    field("file").addEventListener("change", () => {
      void this.#upload([...(field("file").files ?? [])]);
      field("file").value = "";
    });
    for (const name of ["dragover", "drop"]) {
      place("talk").addEventListener(name, (event) => {
        if (name === "dragover") event.preventDefault();
        else this.#files(event, /** @type {DragEvent} */ (event).dataTransfer);
      });
    }
  }

  get mode() {
    return this.#may ? this.#draft.mode : "note";
  }

  /**
   * Write to another conversation, or as it is allowed now.
   * @param {Row} row
   * @param {boolean} may reply
   * @param {string} hint why not
   */
  show(row, may, hint) {
    const other = this.#row?.c !== row.c;
    if (other) {
      this.edit(null);
      this.#draft = { mode: "reply", reply: "", note: "", ...read(row.c) };
    }
    const before = this.mode;
    this.#row = row;
    this.#may = may;
    write(place("composer-hint"), may ? "" : hint);
    if (other || before !== this.mode) this.#fill();
    else this.#dress();
  }

  /** @param {Mode} mode what is written from now on */
  write(mode) {
    if (mode === "reply" && !this.#may) return;
    this.edit(null);
    this.#draft.mode = mode;
    this.#keep();
    this.#fill();
    this.text.focus();
  }

  /** @param {Said | null} said one's own, to be changed; null: none */
  edit(said) {
    if (said === this.#editing) return;
    this.#editing = said;
    place("editing").hidden = !said;
    this.text.value = said ? said.text : this.#draft[this.mode];
    this.#dress();
    if (said) this.text.focus();
  }

  #fill() {
    this.text.value = this.#draft[this.mode];
    this.suggestions.hide();
    this.#dress();
  }

  #dress() {
    const { mode } = this;
    this.form.dataset.mode = mode;
    for (const one of this.form.querySelectorAll(".modes button")) {
      one.setAttribute("aria-pressed", String(one.getAttribute("data-mode") === mode));
      if (one.getAttribute("data-mode") === "reply") one.toggleAttribute("disabled", !this.#may);
    }
    write(place("text-label"), say(`${mode}_label`));
    write(button("send"), say(this.#editing ? "save" : mode === "note" ? "add_note" : "send"));
    if (mode === "note" && this.#may) write(place("composer-hint"), say("note_hint"));
    else if (this.#may) write(place("composer-hint"), "");
    button("attach").disabled = mode === "note" || !this.#may;
  }

  #typed() {
    if (this.#editing) return;
    this.#draft[this.mode] = this.text.value;
    this.#keep();
    if (this.mode === "reply" && this.text.value && performance.now() - this.#toldAt > TYPING) {
      this.#toldAt = performance.now();
      this.ends.typing();
    }
  }

  /** @param {KeyboardEvent} event */
  #keyed(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      if (this.#editing) this.edit(null);
      else place("log").focus();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#submit();
    }
  }

  #submit() {
    const text = this.text.value.trim();
    if (!text || !this.#row) return this.text.focus();
    if (this.#editing) {
      const { seq, text: before } = this.#editing;
      this.edit(null);
      if (text !== before) this.ends.send("edit", { seq, text });
      return;
    }
    this.ends.send(this.mode === "note" ? "note" : "text", { text });
    this.#draft[this.mode] = this.text.value = "";
    this.#toldAt = -Infinity;
    this.suggestions.hide();
    this.#keep();
  }

  // -- drafts ---------------------------------------------------------------------------------------------------------------

  #keep() {
    const c = this.#row?.c;
    if (!c) return;
    try {
      if (this.#draft.reply || this.#draft.note) sessionStorage.setItem(key(c), JSON.stringify(this.#draft));
      else sessionStorage.removeItem(key(c));
    } catch {
      // the storage is full, or not allowed: the draft lasts as long as its conversation is open
    }
  }

  // -- files ----------------------------------------------------------------------------------------------------------------

  /**
   * @param {Event} event
   * @param {DataTransfer | null} data
   */
  #files(event, data) {
    if (!data?.files.length) return;
    event.preventDefault();
    if (this.mode === "reply") void this.#upload([...data.files]);
  }

  /** @param {File[]} files */
  async #upload(files) {
    const c = this.#row?.c;
    for (const file of files) {
      if (!c) return;
      const { name, size } = file;
      if (size > ME.most) {
        toast(say("too_large", { name, size: sizeOf(ME.most) }), { bad: true });
        continue;
      }
      try {
        const shown = Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
        const made = await sendFile(c, file, (part) => write(place("progress"), `${say("uploading", { name })} ${shown.format(part)}`));
        this.ends.send("file", made);
      } catch (error) {
        complain(error);
      } finally {
        write(place("progress"), "");
      }
    }
  }
}

const OURS = `presence-draft-${ME.id}-`;
const key = (/** @type {string} */ c) => OURS + c;

/** Whoever signs out leaves nothing for the next one at this machine. */
export function forgetDrafts() {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(OURS)) sessionStorage.removeItem(name);
}

/**
 * @param {string} c
 * @returns {Partial<Draft>}
 */
function read(c) {
  try {
    return JSON.parse(sessionStorage.getItem(key(c)) ?? "{}");
  } catch {
    return {};
  }
}
