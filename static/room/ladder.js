// What to do about a connection that does not come, or breaks: wait, restart ICE, make a new one, do without pictures, go on
// in writing. Time is an argument, and nothing is done here: `step` says what is to be done.

/**
 * @typedef {{
 *   gen: number,
 *   connection: RTCPeerConnectionState | "none",
 *   stable: boolean,
 *   here: boolean,
 *   open: boolean,
 *   until: number,
 * }} Facts
 *   connection: none while there is no RTCPeerConnection; stable: nothing is being negotiated; here: the other side is in the
 *   room; open: our socket is, and unless both are, asking for anything is in vain; until: when the TURN credentials end,
 *   milliseconds
 * @typedef {"refresh" | "restart" | "rebuild" | "bare" | "text"} Action
 *   refresh: ask for other TURN credentials, the present ones are about to end; restart: fresh TURN credentials, then ICE
 *   again; rebuild: ask for a new generation; bare: the same, without pictures; text: give it up
 * @typedef {"none" | "connecting" | "connected" | "reconnecting" | "text"} Link
 */

const SHOWN = 2_000; // milliseconds of "disconnected" before people are told
const BROKEN = 1_000; // of "disconnected", which browsers say after 5 to 7 s: do not wait for "failed", after 15 to 30 s
const DEAF = 5_000; // negotiated, and ICE has not even begun: nobody's candidates will come
const FIRST = 10_000; // for the first try of a generation
const AGAIN = 8_000; // for each try after it
const STEADY = 10_000; // connected for so long: all is forgiven
const TROUBLED = 4_000; // not connected for so long: a new generation counts as another try, whoever asked for it
const UNHEARD = 3_000; // a rebuild that has brought no new generation is asked for again
const AHEAD = 60_000; // before the credentials' end
const PACE = 10_000; // between asking for credentials
const REBUILDS = 2; // before pictures are given up

export class Ladder {
  #gen = 0;
  #tries = 0; // generations that were asked for since it was last steady
  #since = 0; // of the present wait
  /** @type {"" | "restarted" | "asked"} */ #done = ""; // in this generation
  /** @type {number | null} */ #connectedAt = null;
  /** @type {number | null} */ #brokenAt = null;
  #once = false; // this generation has been connected
  #ever = false; // any has
  #reach = false;
  #refreshedAt = -Infinity;
  #given = false; // up
  /** @type {Link} */ link = "none";

  /**
   * @param {Facts} facts
   * @param {number} now milliseconds
   * @returns {Action[]}
   */
  step(facts, now) {
    /** @type {Action[]} */ const actions = [];
    const reach = facts.here && facts.open;
    if (facts.connection === "none") return this.#without(reach, now);
    if (facts.gen !== this.#gen) this.#begins(facts.gen, now);
    if (reach && !this.#reach) this.#since = now; // nothing could come of it meanwhile
    this.#reach = reach;
    if (reach && facts.until - now < AHEAD && now - this.#refreshedAt >= PACE) {
      this.#refreshedAt = now;
      actions.push("refresh");
    }
    if (facts.connection === "connected") this.#connected(now);
    else {
      const next = this.#unconnected(facts, now);
      if (next) actions.push(next);
    }
    return actions;
  }

  /** They want it tried once more, from the beginning. @param {number} now @returns {Action[]} */
  again(now) {
    if (!this.#given) return [];
    this.#given = false;
    this.#tries = 0;
    this.#done = "asked";
    this.#since = now;
    this.link = "reconnecting";
    return ["rebuild"];
  }

  /**
   * @param {boolean} reach
   * @param {number} now
   * @returns {Action[]}
   */
  #without(reach, now) {
    if (this.#given) this.link = "text";
    else if (this.#done !== "asked") this.link = "none";
    else if (reach && now - this.#since >= UNHEARD) {
      this.#since = now;
      return ["rebuild"];
    }
    return [];
  }

  /**
   * @param {number} gen
   * @param {number} now
   */
  #begins(gen, now) {
    const troubled = this.#reach && this.#connectedAt === null && now - this.#since >= TROUBLED;
    if (troubled && this.#done !== "asked") this.#tries += 1; // the other side was quicker to ask
    this.#gen = gen;
    this.#since = now;
    this.#done = "";
    this.#once = false;
    this.#connectedAt = this.#brokenAt = null;
    this.link = this.#given ? "text" : this.#ever ? "reconnecting" : "connecting";
  }

  /** @param {number} now */
  #connected(now) {
    this.#connectedAt ??= now;
    this.#brokenAt = null;
    this.#once = this.#ever = true;
    this.#given = false;
    this.#done = "";
    if (now - this.#connectedAt >= STEADY) this.#tries = 0;
    this.link = "connected";
  }

  /**
   * @param {Facts} facts
   * @param {number} now
   * @returns {Action | undefined}
   */
  #unconnected({ connection, stable, here, open }, now) {
    if (this.#once && this.#brokenAt === null) this.#brokenAt = this.#since = now;
    this.#connectedAt = null;
    const broken = this.#brokenAt === null ? 0 : now - this.#brokenAt;
    if (this.#once && !here) this.link = "none"; // they have left: nothing is broken
    else if (this.#once && (broken >= SHOWN || connection === "failed")) this.link = "reconnecting";
    if (!here || !open) return undefined;
    const waited = now - this.#since;
    if (this.#done === "asked") {
      if (waited < UNHEARD) return undefined;
      this.#since = now;
      return "rebuild";
    }
    if (this.#given) return waited >= FIRST ? this.giveUp() : undefined; // somebody else tries; we only answer
    if (this.#done === "restarted") return waited >= AGAIN ? this.#next(now) : undefined;
    if (this.#once) return connection === "failed" || broken >= BROKEN ? this.#restart(now) : undefined;
    if (connection === "new" && waited >= (stable ? DEAF : FIRST)) return this.#next(now); // there is no ICE to restart
    if (this.#tries) return connection === "failed" || waited >= AGAIN ? this.#next(now) : undefined;
    return connection === "failed" || waited >= FIRST ? this.#restart(now) : undefined;
  }

  /**
   * @param {number} now
   * @returns {Action}
   */
  #restart(now) {
    this.#done = "restarted";
    this.#since = now;
    return "restart";
  }

  /**
   * @param {number} now
   * @returns {Action}
   */
  #next(now) {
    if (this.#tries > REBUILDS) return this.giveUp();
    this.#tries += 1;
    this.#done = "asked";
    this.#since = now;
    return this.#tries > REBUILDS ? "bare" : "rebuild";
  }

  /** It cannot be, or is not to be: nothing is asked for any more, but when somebody else tries, we answer. @returns {Action} */
  giveUp() {
    this.#given = true;
    this.link = "text";
    return "text";
  }
}
