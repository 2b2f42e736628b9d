// One quiet line between the conversation and the box: the connection, the queue, and who is writing.

import { filled } from "../shared/text.js";
import { inWords } from "../shared/time.js";
import { the, words } from "./page.js";

/** @typedef {import("../shared/link.js").Status} Status */

const PATIENCE = 2500; // milliseconds in which a connection may come back before anything is said
const WRITES = 6000; // milliseconds for which somebody who has typed is writing

export class Strip {
  /** @type {Status} */ #status = { state: "connecting" };
  #since = Date.now();
  /** @type {{ position: number, wait: number | null } | null} */ #place = null;
  #waits = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #later;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #writing;

  constructor() {
    addEventListener("online", () => this.show());
    addEventListener("offline", () => this.show());
  }

  /** @param {Status} status */
  status(status) {
    if (this.#status.state === "open" && status.state !== "open") this.#since = Date.now();
    this.#status = status;
    clearTimeout(this.#later);
    if (status.state !== "open") this.#later = setTimeout(() => this.show(), PATIENCE);
    this.show();
  }

  /**
   * @param {boolean} waits whether the conversation is in the queue
   * @param {{ position: number, wait: number | null } | null} [place] where; as before when it is not given
   */
  queue(waits, place = this.#place) {
    this.#waits = waits;
    this.#place = waits ? place : null;
    this.show();
  }

  /** @param {string} name who writes; "" when they have said it */
  typing(name) {
    clearTimeout(this.#writing);
    the("typing").textContent = name && filled(words.typing, { name });
    if (name) this.#writing = setTimeout(() => this.typing(""), WRITES);
  }

  show() {
    const text = this.#connection() || this.#queue();
    if (the("strip").textContent !== text) the("strip").textContent = text;
  }

  #connection() {
    const { state } = this.#status;
    if (state === "open") return "";
    if (!navigator.onLine) return words.no_network ?? "";
    if (state === "ended") return words.over ?? "";
    return Date.now() - this.#since < PATIENCE - 50 ? "" : (words.reconnecting ?? "");
  }

  #queue() {
    if (!this.#waits) return "";
    if (!this.#place) return words.waiting ?? "";
    const { position, wait } = this.#place;
    const place = filled(words.place, { position });
    return wait ? `${place} ${filled(words.wait, { time: inWords(Math.max(60, wait)) })}` : place;
  }
}
