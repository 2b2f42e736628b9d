// Who answers, and whether they are there: pushed while the page is open.

import { filled } from "../shared/text.js";
import { clock, dayName, dayOf, inWords } from "../shared/time.js";
import { given, the, words } from "./page.js";

/** @typedef {{ state: string, until?: number | null }} Shown */

const LONG = 86_400; // seconds; a reply time above says nothing that draws anybody

/** @param {string} adviser as whoever asks from here sees them: a site has hours of its own */
const seen = (adviser) => `adviser:${adviser}${given.place ?? ""}`;

export class Head {
  /** @type {Map<string, Shown>} */ #shown = new Map();
  /** @type {{ slug: string, name: string } | null} */ #adviser = null;
  /** @type {number | null} */ reply = given.reply ? Number(given.reply) : null;
  #home = the("who").textContent;

  constructor() {
    if (given.state) this.#shown.set(this.#what, { state: given.state, until: Number(given.until) || null });
    this.show();
  }

  get #what() {
    return given.what ?? "site:";
  }

  /** What is to be watched. */
  get watched() {
    return this.callee ? [this.#what, seen(this.callee)] : [this.#what];
  }

  /** Whether somebody would answer a new conversation right here. */
  get attended() {
    const state = this.#shown.get(this.#what)?.state;
    return state === "available" || state === "busy";
  }

  /** Whom a call would ring at, by slug; "" for whoever is free: who has the conversation, else whom the page was opened for. */
  get callee() {
    return this.#adviser?.slug ?? given.adviser ?? "";
  }

  /** Whether an adviser has the conversation. */
  get taken() {
    return this.#adviser !== null;
  }

  /** Who answers, by name. */
  get name() {
    return this.#adviser?.name ?? (given.name || this.#home) ?? "";
  }

  /** Whether somebody is there for a call; null while that is not known. Whoever has the conversation needs no room for another. */
  get callable() {
    const state = this.#shown.get(this.callee ? seen(this.callee) : this.#what)?.state;
    return state ? state === "available" || (state === "busy" && this.taken) : null;
  }

  /** @param {Shown & { what: string }} shown */
  heard({ what, state, until }) {
    this.#shown.set(what, { state, until });
    this.show();
  }

  /** @param {{ slug: string, name: string } | null} adviser who has the conversation */
  with(adviser) {
    this.#adviser = adviser;
    this.show();
  }

  show() {
    const adviser = this.#adviser;
    const shown = (adviser && this.#shown.get(seen(adviser.slug))) ?? this.#shown.get(this.#what);
    if (shown) given.state = shown.state;
    put(the("who"), adviser?.name ?? this.#home ?? "");
    if (shown) put(the("presence"), adviser ? this.#beside(shown) : this.#awaited(shown));
  }

  /** @param {Shown} shown of the one who has the conversation */
  #beside({ state }) {
    return (state === "busy" || state === "available" ? words.adviser_available : words[`adviser_${state}`]) ?? "";
  }

  /** @param {Shown} shown */
  #awaited({ state, until }) {
    const said = words[state] ?? "";
    if (state === "available") {
      const time = this.reply !== null && this.reply < LONG && inWords(Math.max(60, this.reply));
      return time ? `${said} · ${filled(words.replies, { time })}` : said;
    }
    if (state === "busy" || !until) return said;
    const today = dayOf(until) === dayOf(Date.now());
    const back = today ? filled(words.back_at, { time: clock(until) }) : filled(words.back_on, { moment: `${dayName(until)}, ${clock(until)}` });
    return `${said} · ${back}`;
  }
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 */
function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
