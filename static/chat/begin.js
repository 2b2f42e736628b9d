// The first message: it begins the conversation, over HTTP. Like every other it is kept until it is stored, and sent again under
// the same name, across reloads and days; then the live connection takes over.

import { Refusal, ask } from "../shared/ask.js";
import { freshId } from "../shared/ids.js";
import { remember, remembered } from "../shared/remembered.js";
import { given, zone } from "./page.js";
import { Proof } from "./proof.js";

/**
 * @typedef {{ id: string, text: string, name: string, email: string, at: number }} First
 * @typedef {{
 *   changed: () => void,
 *   begun: (c: string) => void,
 *   refused: (first: First, refusal: Refusal) => void,
 * }} Ends
 */

const KEPT = "first";
const OLD = 86_400_000; // milliseconds after which it is not sent by itself any more
const BASE = 1000; // milliseconds before the first try again
const CAP = 30_000;

export class Beginning {
  /** @type {First | null} */ waiting = kept();
  #proof = new Proof();
  #tries = 0;
  #busy = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /**
   * @param {import("./session.js").Session} session
   * @param {import("../shared/live.js").Live} live
   * @param {Ends} ends
   */
  constructor(session, live, ends) {
    this.session = session;
    this.live = live;
    this.ends = ends;
    addEventListener("online", () => void this.go());
  }

  /** Somebody has begun to write: the work can begin too. */
  prepare() {
    const known = this.session.known;
    if (known && !known.open) void this.#proof.of(known.proof).catch(() => undefined);
  }

  /**
   * @param {Omit<First, "id" | "at">} first
   */
  send(first) {
    this.waiting = { ...first, id: freshId(), at: Date.now() };
    remember(KEPT, JSON.stringify(this.waiting));
    this.ends.changed();
    void this.go();
  }

  /** Try, and again until it is stored or refused. */
  async go() {
    const first = this.waiting;
    clearTimeout(this.#timer);
    if (!first || this.#busy) return;
    this.#busy = true;
    try {
      const c = await this.#stored(first);
      if (this.waiting === first) this.#done();
      this.ends.begun(c);
    } catch (error) {
      this.#failed(first, error instanceof Refusal ? error : new Refusal(0, {}));
    } finally {
      this.#busy = false;
    }
  }

  /**
   * @param {First} first
   * @returns {Promise<string>} the conversation it is in
   */
  async #stored(first) {
    for (let fresh = this.#tries > 0; ; fresh = true) {
      const known = fresh || !this.session.known || this.#isOld() ? await this.session.ask() : this.session.known;
      if (known.open) {
        this.live.send(known.open, "text", { text: first.text }, first.id); // it may be there already: the same id is the same message
        return known.open;
      }
      try {
        return await this.#begun(first, await this.#proof.of(known.proof));
      } catch (error) {
        if (fresh || !(error instanceof Refusal) || error.status !== 403) throw error;
      }
    }
  }

  #isOld() {
    return (this.session.known?.until ?? 0) < Date.now() + 60_000; // passes and challenges both last ten minutes
  }

  /**
   * @param {First} first
   * @param {{ challenge: string, nonce: string }} proof
   */
  async #begun({ id, text, name, email }, proof) {
    const { adviser, team } = given;
    const language = document.documentElement.lang;
    const { c } = await ask("/chat/conversations", { id, text, name, email, adviser, team, page: pageBefore(), language, zone, proof });
    return c;
  }

  /**
   * @param {First} first
   * @param {Refusal} refusal
   */
  #failed(first, refusal) {
    if (!refusal.passes) {
      this.#done();
      this.ends.refused(first, refusal);
      return;
    }
    this.#tries += 1;
    const wait = refusal.after ? refusal.after * 1000 : Math.min(CAP, BASE * 2 ** this.#tries) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.go(), wait);
    this.ends.changed();
  }

  #done() {
    this.waiting = null;
    this.#tries = 0;
    remember(KEPT, "");
  }
}

/** @returns {First | null} */
function kept() {
  try {
    const first = JSON.parse(remembered(KEPT) || "null");
    return first && Date.now() - first.at < OLD ? first : null;
  } catch {
    return null;
  }
}

/** Where they came from: what the embedding page says, else the browser. Advisers read it and the log keeps it, so that of our
 * own pages only those are told whose addresses hold nothing that opens anything. */
export function pageBefore() {
  const own = given.page ?? new URLSearchParams(location.search).get("page");
  if (own !== null) return own;
  if (!document.referrer.startsWith(`${location.origin}/`)) return document.referrer;
  const { pathname } = new URL(document.referrer);
  return /^\/(book(\/[^/]+)?)?$/.test(pathname) ? location.origin + pathname : "";
}
