// Offers ring: who it is, how long there is to answer, and two buttons. They never take the focus from what somebody is writing.

import { element } from "../shared/text.js";
import { languageName } from "./about.js";
import { nameOf } from "./inbox.js";
import { ME, place, say, serverTime, write } from "./page.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {{ node: HTMLElement, left: HTMLElement, until: number, from: number }} Ringing
 */

export class Offers {
  /** @type {Map<string, Ringing>} */ #ringing = new Map();
  /** @type {number | undefined} */ #timer;

  /** @param {{ accept: (c: string) => void, pass: (c: string) => void, ring: (row: Row) => void }} ends */
  constructor(ends) {
    this.ends = ends;
  }

  /** @param {Iterable<Row>} rows all that is known: what is offered to us rings, everything else is silent */
  show(rows) {
    const offered = new Map();
    for (const row of rows) {
      if (row.offered?.id === ME.id && row.offered.until > serverTime()) offered.set(row.c, row);
    }
    for (const c of this.#ringing.keys()) if (!offered.has(c)) this.#silence(c);
    for (const [c, row] of offered) {
      const known = this.#ringing.get(c);
      if (known) known.until = row.offered.until;
      else this.#ring(row);
    }
  }

  /** The conversation that is offered first. */
  get first() {
    return this.#ringing.keys().next().value ?? "";
  }

  get count() {
    return this.#ringing.size;
  }

  /** @param {Row} row */
  #ring(row) {
    const accept = element("button", { type: "button", class: "small-button primary" }, say("accept"), element("kbd", { "aria-hidden": "true" }, "a"));
    const pass = element("button", { type: "button", class: "small-button" }, say("pass"), element("kbd", { "aria-hidden": "true" }, "p"));
    accept.addEventListener("click", () => this.ends.accept(row.c));
    pass.addEventListener("click", () => this.ends.pass(row.c));
    const left = element("span", { class: "offer-left", "aria-hidden": "true" });
    const head = element("p", { class: "offer-head" }, element("b", {}, say("offer_title")), left);
    const who = element("p", { class: "offer-who" }, element("b", {}, nameOf(row)), ` · ${languageName(row.language)}`);
    const node = element("div", { class: "offer" }, head, who, element("p", { class: "offer-text" }, row.preview), element("p", { class: "row" }, accept, pass));
    place("offers").append(node);
    this.#ringing.set(row.c, { node, left, until: row.offered?.until ?? 0, from: serverTime() });
    this.#timer ??= setInterval(() => this.#tick(), 250);
    this.#tick();
    this.ends.ring(row);
  }

  #tick() {
    for (const [c, { node, left, until, from }] of this.#ringing) {
      const rest = until - serverTime();
      if (rest <= 0) this.#silence(c);
      write(left, say("offer_left", { seconds: Math.max(0, Math.ceil(rest / 1000)) }));
      node.style.setProperty("--left", String(Math.max(0, rest / (until - from))));
    }
  }

  /** @param {string} c */
  #silence(c) {
    this.#ringing.get(c)?.node.remove();
    this.#ringing.delete(c);
    if (this.#ringing.size) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
