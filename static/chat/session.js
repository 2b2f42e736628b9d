// Who this browser is to the company: asked of the server, which knows it by a cookie; inside of another site's page, by a token.

import { ask } from "../shared/ask.js";
import { zone } from "./page.js";

/**
 * @typedef {{
 *   token: string, until: number, you: { name: string, email: string }, open: string | null, state: string | null,
 *   adviser: { slug: string, name: string } | null, reply: number | null, prechat: string[],
 *   proof: { challenge: string, bits: number }, visitor?: string, verified?: boolean, site?: string, capabilities?: string[],
 * }} Known
 * @typedef {{
 *   fields: () => object, answered: (known: Known) => void, known: (known: Known) => void, refused: (error: unknown) => boolean,
 * }} Vouching what a page that frames us has to say: `answered` before another page may ask; `refused` tells whether to ask once more
 */

export class Session {
  /** @type {Known | null} */ known = null;
  /** @type {Promise<Known> | null} */ #asking = null;
  #passes = 0;
  /** @type {Vouching | null} */ vouching = null;

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

  /** @returns {Promise<Known>} */
  async #ask() {
    // One tab after the other: two that came without a cookie would be two people, each deaf to the other's conversation.
    const asked = async () => {
      /** @type {Known} */
      const known = await ask("/chat/session", { zone, language: document.documentElement.lang, ...this.vouching?.fields() });
      this.vouching?.answered(known);
      return known;
    };
    /** @type {Promise<Known> | undefined} */
    let answer;
    try {
      await navigator.locks.request("presence-session", () => (answer = asked()));
    } catch {
      // there are no locks, or none for us; or it is what the answer says
    }
    try {
      this.known = await (answer ?? asked());
    } catch (error) {
      if (this.vouching?.refused(error)) return this.#ask();
      throw error;
    }
    this.vouching?.known(this.known);
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
