// Who this browser is to the company: asked of the server, which knows it by a cookie.

import { ask } from "../shared/ask.js";
import { zone } from "./page.js";

/**
 * @typedef {{
 *   token: string, until: number, you: { name: string, email: string }, open: string | null, state: string | null,
 *   adviser: { slug: string, name: string } | null, reply: number | null, prechat: string[],
 *   proof: { challenge: string, bits: number },
 * }} Known
 */

export class Session {
  /** @type {Known | null} */ known = null;
  /** @type {Promise<Known> | null} */ #asking = null;
  #passes = 0;

  /** @returns {Promise<Known>} as it was a moment ago; several who ask at once get one answer */
  ask() {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** @returns {Promise<Known>} as it is now: an answer that is on its way already may be older than what made us ask */
  async askAnew() {
    await this.#asking?.catch(() => undefined);
    return this.ask();
  }

  async #ask() {
    const body = { zone, language: document.documentElement.lang };
    // One tab after the other: two that came without a cookie would be two people, each deaf to the other's conversation.
    const asked = () => ask("/chat/session", body);
    const answer = navigator.locks ? navigator.locks.request("presence-session", asked) : asked();
    this.known = /** @type {Known} */ (await answer);
    return this.known;
  }

  /** What opens the live connection: the first time with what the page has asked for anyway. */
  async pass() {
    const known = this.known && this.#passes === 0 ? this.known : await this.ask();
    this.#passes += 1;
    return { token: known.token, by: "customer" };
  }

  /**
   * Say who one is.
   * @param {{ name?: string, email?: string }} who
   */
  async introduce(who) {
    const you = { ...this.known?.you, ...who };
    const kept = await ask("/chat/me", you);
    if (this.known) this.known.you = kept;
  }
}
