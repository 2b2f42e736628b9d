// One socket at a time to the server, opened again for as long as it is wanted; docs/live-protocol.md has the frames.

/**
 * @typedef {{ t: string, [field: string]: any }} Frame
 * @typedef {{ token: string, by?: string }} Pass what opens the connection, and whom its events will name
 * @typedef {{ state: "connecting" | "open" | "waiting" | "ended", again?: number, code?: number }} Status
 *   `again`: milliseconds until the next try, after a close with `code`; ended: the session is over, or another page has
 *   taken this one's place, only `start` begins anew
 * @typedef {{
 *   socket: (url: string) => WebSocket,
 *   now: () => number,
 *   later: (act: () => void, ms: number) => () => void,
 *   random: () => number,
 * }} Doors to the world, so that tests can stand in them; `now` is a steady clock in milliseconds
 * @typedef {{
 *   url: string,
 *   pass: () => Promise<Pass>,
 *   hello: () => Frame,
 *   engaged: () => boolean,
 *   heard: (frame: Frame) => void,
 *   changed: (status: Status) => void,
 * }} Ends
 */

export const VERSION = 1;
const BASE = 500; // milliseconds before the first try again
const CAP = 30_000;
const GREET = 10_000; // from the first step of opening to the welcome
const PROBE = 5_000; // in which a connection that is doubted has to answer
const FRESH = 5 * 60_000; // for which a pass is used again
const STEADY = 10_000; // after which an open connection counts as a good one
const MISSED = 2; // beats without an answer
const MOST = { frames: 60, bytes: 60_000 }; // in one message; the server takes 64 and 64 KiB
const CLOSING = 2; // a socket's readyState from when the server has said that it closes it
const CODE = { badFrame: 4400, unauthorised: 4401, signedOut: 4410, takenOver: 4411, tooMuch: 4429 };

/**
 * What to do after a connection has gone: how long to wait, whether the pass is spent, whether it is over. Pure.
 * @param {number} code of the close; 0 when it never opened
 * @param {number} failures in a row before this one
 * @param {number | undefined} after what the server asked for, milliseconds
 * @param {number} random from 0 to 1
 */
export function plan(code, failures, after, random) {
  const jittered = Math.min(CAP, BASE * 2 ** failures) * (0.5 + random / 2);
  let wait = after === undefined ? jittered : after + random * BASE;
  if (code === CODE.tooMuch || code === CODE.badFrame) wait = Math.max(wait, 5_000 * (1 + random));
  return { wait, spent: code === CODE.unauthorised, over: code === CODE.signedOut || code === CODE.takenOver };
}

export class Link {
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {(() => void) | null} */ #cancel = null; // what is waited for: the next try, or the welcome
  /** @type {(() => void) | null} */ #doubt = null;
  /** @type {(Pass & { since: number }) | null} */ #pass = null;
  /** @type {Frame[]} */ #out = [];
  #round = 0; // names a try: what an older one still says is not heard
  #failures = 0;
  #openedAt = 0;
  #beatAt = 0;
  #unanswered = 0;
  #pace = 20_000; // milliseconds between beats
  /** @type {number | undefined} */ #after;
  /** @type {Status} */ status = { state: "ended" };

  /**
   * @param {Ends} ends
   * @param {Doors} doors
   */
  constructor(ends, doors) {
    this.ends = ends;
    this.doors = doors;
  }

  /** Open, and stay open. */
  start() {
    if (this.status.state === "ended") void this.#open();
  }

  /** Close, and stay closed. */
  stop() {
    this.#drop();
    this.#tell({ state: "ended" });
  }

  /**
   * Send frames, if the connection is open: what must arrive is sent again by whoever keeps it.
   * @param {...Frame} frames
   */
  send(...frames) {
    if (this.status.state !== "open") return false;
    if (!this.#out.length) queueMicrotask(() => this.#flush());
    this.#out.push(...frames);
    return true;
  }

  /** The world may have changed: after sleep, on another network, in front again. Find out at once. */
  check() {
    if (this.status.state === "waiting") {
      this.#failures = 0;
      void this.#open();
    } else if (this.status.state === "open" && !this.#doubt) {
      this.beat();
      this.#doubt = this.doors.later(() => this.#lost(0), PROBE);
    }
  }

  /** Every few seconds: beat when it is time, and give up what does not answer. */
  tick() {
    if (this.status.state !== "open") return;
    const now = this.doors.now();
    if (now - this.#openedAt > STEADY) this.#failures = 0;
    if (now - this.#beatAt < this.#pace) return;
    if (now - this.#beatAt > 2 * this.#pace) this.check(); // we have slept
    else if (this.#unanswered >= MISSED) this.#lost(0);
    else this.beat();
  }

  /** Say whether somebody looks, and ask whether the other side is there. */
  beat() {
    if (this.status.state !== "open") return;
    this.#beatAt = this.doors.now();
    this.#unanswered += 1;
    this.send({ t: "beat", on: this.ends.engaged() });
  }

  async #open() {
    this.#drop();
    const round = ++this.#round;
    this.#tell({ state: "connecting" });
    this.#cancel = this.doors.later(() => this.#lost(0), GREET);
    try {
      if (!this.#pass || this.doors.now() - this.#pass.since > FRESH) {
        this.#pass = { ...(await this.ends.pass()), since: this.doors.now() };
      }
    } catch (error) {
      if (round === this.#round) this.#lost(error instanceof Over ? CODE.signedOut : 0);
      return;
    }
    if (round !== this.#round) return;
    const socket = (this.#socket = this.doors.socket(this.ends.url));
    socket.onopen = () => socket.send(JSON.stringify([{ ...this.ends.hello(), t: "hello", v: VERSION, token: this.#pass?.token }]));
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => this.#lost(event.code);
  }

  /** @param {string} data */
  #heard(data) {
    this.#unanswered = 0;
    this.#doubt?.();
    this.#doubt = null;
    for (const frame of JSON.parse(data)) {
      if (frame.t === "welcome") this.#welcomed(frame);
      if (frame.t === "drain") this.#after = frame.after;
      this.ends.heard(frame);
    }
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    this.#cancel?.();
    this.#cancel = null;
    this.#after = undefined;
    this.#openedAt = this.#beatAt = this.doors.now();
    this.#pace = frame.beat * 1000;
    this.#tell({ state: "open" });
    this.beat();
  }

  /** @param {number} code */
  #lost(code) {
    this.#drop();
    const { wait, spent, over } = plan(code, this.#failures, this.#after, this.doors.random());
    if (spent || over) this.#pass = null;
    if (over) return this.#tell({ state: "ended", code });
    this.#failures += 1;
    this.#after = undefined;
    this.#cancel = this.doors.later(() => void this.#open(), wait);
    this.#tell({ state: "waiting", again: wait, code });
  }

  #drop() {
    this.#round += 1;
    this.#cancel?.();
    this.#doubt?.();
    this.#cancel = this.#doubt = null;
    this.#unanswered = 0;
    this.#out = [];
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #flush() {
    const [socket, frames] = [this.#socket, this.#out];
    this.#out = [];
    if (!socket || socket.readyState >= CLOSING) return; // what must arrive is sent again by whoever keeps it
    const size = new TextEncoder();
    let [batch, bytes] = [/** @type {string[]} */ ([]), 2];
    for (const frame of frames) {
      const text = JSON.stringify(frame);
      const more = size.encode(text).length + 1;
      if (batch.length && (batch.length === MOST.frames || bytes + more > MOST.bytes)) {
        socket.send(`[${batch}]`);
        [batch, bytes] = [[], 2];
      }
      batch.push(text);
      bytes += more;
    }
    if (batch.length) socket.send(`[${batch}]`);
  }

  /** @param {Status} status */
  #tell(status) {
    this.status = status;
    this.ends.changed(status);
  }
}

/** Thrown by whoever gives passes when there will be none: the session has ended. */
export class Over extends Error {}
