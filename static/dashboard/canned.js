// Canned replies: offered while a word with a slash in front is typed, filled in, and looked after in a dialog.

import { element, filled, icon } from "../shared/text.js";
import { button, dialog, field, get, ME, place, post, Refusal, say } from "./page.js";
import { attempt, complain } from "./toasts.js";

/** @typedef {{ id: number, shortcut: string, language: string, text: string }} Reply */

const MOST = 6; // suggestions
const BEGUN = /(^|\s)\/([\w-]*)$/u; // before the cursor

/** @type {Reply[]} */
let replies = [];

export async function loadCanned() {
  const found = await attempt(get("/desk/canned"));
  if (found) replies = found.replies;
}

/** Let the dialog look after them. */
export function lookAfterCanned() {
  button("open-canned").addEventListener("click", () => {
    dialog("canned").showModal();
    list();
    void loadCanned().then(list);
  });
  place("canned-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void add();
  });
}

async function add() {
  const body = { shortcut: field("canned-shortcut").value.trim().replace(/^\//, ""), language: field("canned-language").value, text: field("canned-text").value };
  try {
    await post("/desk/canned", body);
  } catch (error) {
    if (!(error instanceof Refusal) || !Object.keys(error.errors).length) return complain(error);
    for (const name of ["shortcut", "language", "text"]) field(`canned-${name}`).setAttribute("aria-invalid", String(name in error.errors));
    place("canned-wrong").textContent = Object.values(error.errors).join(" · ");
    field(`canned-${Object.keys(error.errors)[0]}`).focus();
    return;
  }
  for (const name of ["shortcut", "text"]) field(`canned-${name}`).value = "";
  for (const name of ["shortcut", "language", "text"]) field(`canned-${name}`).removeAttribute("aria-invalid");
  place("canned-wrong").textContent = "";
  await loadCanned();
  list();
  field("canned-shortcut").focus();
}

function list() {
  const items = replies.map(({ id, shortcut, language, text }) => {
    const away = element("button", { type: "button", class: "icon-button", "aria-label": say("delete", { shortcut }) }, icon("close"));
    away.addEventListener("click", async () => {
      if ((await attempt(post(`/desk/canned/${id}/delete`))) === undefined) return;
      await loadCanned();
      list();
      place("canned-list").focus();
    });
    return element("li", {}, element("span", { class: "canned-text" }, element("b", {}, `/${shortcut}`), ` ${language} · `, element("span", {}, text)), away);
  });
  place("canned-list").replaceChildren(...(items.length ? items : [element("li", { class: "quiet" }, say("canned_none"))]));
}

/**
 * A reply's text for somebody.
 * @param {string} text
 * @param {{ name: string, email: string }} customer
 */
export function filledIn(text, { name, email }) {
  const values = { name, email, adviser: ME.name, organisation: ME.organisation };
  return filled(text, values).replace(/ +([,.])/g, "$1"); // where there is no name
}

/** Suggests replies while something is typed into a text area. */
export class Suggestions {
  /** @type {Reply[]} */ #found = [];
  #at = 0;

  /**
   * @param {HTMLTextAreaElement} text
   * @param {() => { name: string, email: string, language: string } | null} customer null: none are offered now
   */
  constructor(text, customer) {
    this.text = text;
    this.customer = customer;
    this.list = place("suggestions");
    text.setAttribute("aria-controls", this.list.id);
    text.setAttribute("aria-autocomplete", "list");
    text.addEventListener("input", () => this.#look());
    text.addEventListener("blur", () => this.hide());
    text.addEventListener("keydown", (event) => this.#keyed(event), { capture: true });
    this.list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the focus stays in the text
      const one = /** @type {Element} */ (event.target).closest("li");
      if (one) this.#take([...this.list.children].indexOf(one));
    });
  }

  hide() {
    this.#found = [];
    this.list.hidden = true;
    this.text.removeAttribute("aria-activedescendant");
  }

  #begun() {
    return BEGUN.exec(this.text.value.slice(0, this.text.selectionEnd));
  }

  #look() {
    const [begun, customer] = [this.#begun(), this.customer()];
    if (!begun || !customer) return this.hide();
    const wish = (begun[2] ?? "").toLowerCase();
    const rank = (/** @type {Reply} */ one) => (one.language === customer.language ? 0 : 2) + (one.shortcut.toLowerCase().startsWith(wish) ? 0 : 1);
    this.#found = replies
      .filter((one) => `${one.shortcut} ${one.text}`.toLowerCase().includes(wish))
      .sort((a, b) => rank(a) - rank(b))
      .slice(0, MOST);
    if (!this.#found.length) return this.hide();
    this.#at = 0;
    this.#show();
  }

  #show() {
    const items = this.#found.map(({ shortcut, language, text }, at) =>
      element("li", { role: "option", id: `suggestion-${at}`, "aria-selected": String(at === this.#at) }, element("b", {}, `/${shortcut}`), ` ${language} `, element("span", {}, text)),
    );
    this.list.replaceChildren(...items);
    this.list.hidden = false;
    this.text.setAttribute("aria-activedescendant", `suggestion-${this.#at}`);
  }

  /** @param {KeyboardEvent} event */
  #keyed(event) {
    if (!this.#found.length || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#at = (this.#at + step + this.#found.length) % this.#found.length;
      this.#show();
    } else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#at);
    else if (event.key === "Escape") this.hide();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** @param {number} at */
  #take(at) {
    const [begun, customer, reply] = [this.#begun(), this.customer(), this.#found[at]];
    if (!begun || !customer || !reply) return;
    const end = this.text.selectionEnd;
    this.text.setRangeText(filledIn(reply.text, customer), end - (begun[2] ?? "").length - 1, end, "end");
    this.hide();
    this.text.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}
