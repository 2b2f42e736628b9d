// The live connection's client: what a page joins, sends and hears, whichever of the browser's pages has the socket.
//
//   const live = new Live({ scope: "chat", pass: async () => ({ token, by: "customer" }) });
//   live.on("event", (event) => ...);      each event of a joined conversation: once, in order, without a gap
//   live.start();
//   live.join(c);
//   live.send(c, "text", { text });
//
// What is sent is kept until it is stored, and sent again under the same id; `pending(c)` is what still waits or has failed.
// `ledger(c)` has the events, the messages as they read now, and how far each has come: see ledger.js.

import { address, browser } from "./doors.js";
import { freshId } from "./ids.js";
import { Leader } from "./leader.js";
import { Ledger } from "./ledger.js";
import { Outbox } from "./outbox.js";
import { Tabs } from "./tabs.js";

export { Over } from "./link.js";

/**
 * @typedef {import("./ledger.js").LiveEvent} LiveEvent
 * @typedef {import("./link.js").Frame} Frame
 * @typedef {import("./link.js").Status} Status
 * @typedef {import("./outbox.js").Item} Item
 * @typedef {import("./calls.js").Call} Call
 * @typedef {{
 *   scope: string,
 *   pass: () => Promise<import("./link.js").Pass>,
 *   by?: string,
 *   url?: string,
 *   doors?: import("./doors.js").LiveDoors,
 * }} LiveOptions
 *   `scope` names who is signed in: pages of one scope share a socket and an outbox. `pass` gets a token; it throws `Over`
 *   when there will be none. `by` is how one's own events are signed, when that is known before the first pass.
 * @typedef {{
 *   event: LiveEvent,
 *   outbox: { c: string },
 *   caught: { c: string },
 *   reset: { c: string },
 *   unknown: { c: string },
 *   welcome: Frame,
 *   status: Status,
 *   typing: Frame,
 *   presence: Frame,
 *   place: Frame,
 *   card: Frame,
 *   calls: { calls: Call[], now: number },
 * }} Heard
 *   outbox: `pending(c)` is another; caught: all that there was has come; reset: forget what you show of `c`, it comes
 *   anew; unknown: there is no `c` for you; welcome: connected (again): ask over HTTP for what is not in a log
 */

const ENGAGED = 5 * 60_000; // milliseconds after the last input for which somebody counts as looking

export class Live {
  /** @type {Map<string, Ledger>} */ #ledgers = new Map();
  /** @type {Map<string, Set<(value: any) => void>>} */ #listeners = new Map();
  #id = freshId(); // of this page, among the browser's
  #touchedAt = -Infinity;
  #looked = false;
  /** @type {() => void} */ #detach = () => undefined;
  /** @type {Set<string>} */ joined = new Set(); // by this page
  /** @type {string[]} */ watched = [];
  /** @type {Status} */ status = { state: "connecting" };
  epoch = "";

  /** @param {LiveOptions} options */
  constructor({ scope, pass, by = "", url, doors = browser(scope) }) {
    this.by = by;
    this.doors = doors;
    this.outbox = new Outbox(doors.keeping);
    this.leader = new Leader(this, url ?? address(), async () => {
      const given = await pass();
      this.by = given.by ?? this.by;
      return given;
    });
    this.tabs = new Tabs(
      scope,
      { lead: () => this.leader.start(), follow: () => this.#follow(), heard: (message) => this.#overheard(message) },
      doors,
    );
  }

  // -- what a page does ---------------------------------------------------------------------------------------------------

  /**
   * @template {keyof Heard} K
   * @param {K} name
   * @param {(value: Heard[K]) => void} listener
   * @returns {() => void} stops listening
   */
  on(name, listener) {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all.add(listener));
    return () => void all.delete(listener);
  }

  /** Begin; what an earlier page left behind is sent. */
  async start() {
    this.#detach = this.doors.attach(this);
    this.resume();
    await this.outbox.load(this.doors.now());
    for (const c of new Set([...this.outbox.items.values()].map((item) => item.c))) this.#emit("outbox", { c });
    this.leader.pump();
  }

  /** The end. */
  stop() {
    this.pause();
    this.#detach();
  }

  /**
   * Listen to a conversation.
   * @param {string} c
   */
  join(c) {
    this.joined.add(c);
    this.#ask({ t: "join", c, after: this.ledger(c).cursor });
  }

  /** @param {string} c */
  leave(c) {
    this.joined.delete(c);
    if (!this.leads) this.drop(c);
    this.#ask({ t: "leave", c });
  }

  /**
   * Listen to the presence of these, and of nothing else.
   * @param {string[]} what such as "site:", "adviser:alice"
   */
  watch(what) {
    this.watched = what;
    this.#ask({ t: "watch", what });
  }

  /**
   * Send an event: now, or when there is a connection.
   * @param {string} c
   * @param {string} kind
   * @param {any} body
   * @param {string} [id]
   * @returns {Item}
   */
  send(c, kind, body, id = freshId()) {
    const item = this.outbox.add({ c, id, kind, body }, this.doors.now());
    this.tell({ m: "queued", item });
    this.#emit("outbox", { c });
    this.leader.pump();
    return item;
  }

  /**
   * Try again what has failed, or forget it.
   * @param {string} id
   * @param {"retry" | "discard"} how
   */
  settle(id, how) {
    this.tell({ m: how, id });
    this.#settled(id, how);
  }

  /**
   * Say that everything up to `seq` has come, or has been read.
   * @param {string} c
   * @param {"got" | "seen"} kind
   * @param {number} seq
   */
  mark(c, kind, seq) {
    if (this.ledger(c).marksMore(this.by, kind, seq)) this.#ask({ t: "mark", c, kind, seq });
  }

  /** @param {string} c where somebody writes; never stored */
  typing(c) {
    this.#ask({ t: "typing", c });
  }

  /**
   * What is known of a conversation.
   * @param {string} c
   * @returns {Ledger}
   */
  ledger(c) {
    const found = this.#ledgers.get(c) ?? new Ledger();
    this.#ledgers.set(c, found);
    return found;
  }

  /**
   * What is still to be sent, the oldest first.
   * @param {string} c
   */
  pending(c) {
    return this.outbox.of(c);
  }

  // -- what happens to the page -------------------------------------------------------------------------------------------

  /** Somebody has touched the page, or can see it, or cannot any more. */
  touched(input = true) {
    if (input) this.#touchedAt = this.doors.now();
    const on = this.looks();
    if (on === this.#looked) return;
    this.#looked = on;
    if (this.leads) this.leader.link.beat();
    else this.tell({ m: "on", from: this.#id, on });
  }

  /** Whether somebody looks at this page. */
  looks() {
    return this.doors.visible() && this.doors.now() - this.#touchedAt < ENGAGED;
  }

  /** Something may have happened to the connection. */
  check() {
    if (this.leads) this.leader.link.check();
    else this.tell({ m: "check" });
  }

  /** Every few seconds. */
  tick() {
    this.touched(false);
    this.tabs.tick(this.doors.visible());
    if (this.leads) this.leader.tick();
    else this.tell({ m: "on", from: this.#id, on: this.looks() });
  }

  /** The page is put away, and may come back: let others lead. */
  pause() {
    this.tell({ m: "gone", from: this.#id });
    this.tabs.stop();
    this.leader.stop();
  }

  /** It is back. */
  resume() {
    this.tabs.start();
  }

  // -- among the browser's pages ------------------------------------------------------------------------------------------

  get leads() {
    return this.tabs.leads;
  }

  /** @param {object} message for the other pages */
  tell(message) {
    this.tabs.tell(message);
  }

  /** @param {Frame} frame */
  #ask(frame) {
    if (this.leads) this.leader.asks(frame, null);
    else this.tell({ m: "ask", from: this.#id, frame });
  }

  #follow() {
    this.leader.stop();
    this.told({ t: "status", status: { state: "connecting" } });
    this.#announce();
  }

  /** Tell a leader who knows nothing of us what we need. */
  #announce() {
    for (const c of this.joined) this.#ask({ t: "join", c, after: this.ledger(c).cursor });
    this.#ask({ t: "watch", what: this.watched });
    for (const item of this.outbox.items.values()) this.tell({ m: "queued", item });
  }

  /** @param {any} message from another page */
  #overheard(message) {
    const { m, id, item } = message;
    if (m === "queued") {
      if (this.outbox.items.has(item.id)) return;
      this.outbox.know(item);
      this.#emit("outbox", { c: item.c });
      this.leader.pump();
    } else if (m === "retry" || m === "discard") this.#settled(id, m);
    else if (m === "failed") this.#failed(id, message.code);
    else if (this.leads) this.leader.overheard(message);
    else if (m === "lead") this.#announce();
    else if (m === "tell" && (!message.to || message.to === this.#id)) {
      this.by = message.by;
      for (const frame of message.frames) this.told(frame);
    }
  }

  /**
   * @param {string} id
   * @param {string} code
   */
  fail(id, code) {
    this.tell({ m: "failed", id, code });
    this.#failed(id, code);
  }

  /**
   * @param {string} id
   * @param {string} code
   */
  #failed(id, code) {
    const item = this.outbox.items.get(id);
    if (!item) return;
    this.outbox.mark(id, code);
    this.#emit("outbox", { c: item.c });
  }

  /**
   * @param {string} id
   * @param {"retry" | "discard"} how
   */
  #settled(id, how) {
    const item = this.outbox.items.get(id);
    if (!item) return;
    if (how === "retry") this.outbox.mark(id);
    else this.outbox.remove(id);
    this.#emit("outbox", { c: item.c });
    this.leader.pump();
  }

  // -- what every page learns ----------------------------------------------------------------------------------------------

  /** @param {Frame} frame from the server, or from the page that leads */
  told(frame) {
    const { t, c } = frame;
    if (t === "event") {
      const { t: _, ...event } = frame;
      this.#take(/** @type {any} */ (event));
    } else if (t === "caught") {
      this.ledger(c).caught = true;
      if (this.joined.has(c)) this.#emit("caught", { c });
    } else if (t === "status") {
      this.status = frame.status;
      this.#emit("status", frame.status);
    } else {
      if (t === "welcome") {
        if (this.epoch && this.epoch !== frame.epoch) this.#forget();
        this.epoch = frame.epoch;
      }
      if (t === "unknown") this.joined.delete(c);
      this.#emit(/** @type {keyof Heard} */ (t), /** @type {any} */ (frame));
    }
  }

  /** @param {LiveEvent} event */
  #take(event) {
    const { c, id } = event;
    if (this.outbox.items.get(id)?.c === c) {
      this.outbox.remove(id);
      this.#emit("outbox", { c });
    }
    if (!this.leads && !this.joined.has(c)) return;
    const ledger = this.ledger(c);
    for (const fresh of ledger.take(event)) if (this.joined.has(c)) this.#emit("event", fresh);
    if (!this.leads && ledger.gap) this.#ask({ t: "fetch", c, after: ledger.cursor });
  }

  /** The server was restored and knows less than we do: it tells everything again. */
  #forget() {
    for (const c of [...this.#ledgers.keys()]) {
      this.drop(c);
      if (this.joined.has(c)) this.#emit("reset", { c });
    }
  }

  /** @param {string} c */
  drop(c) {
    this.#ledgers.delete(c);
  }

  /**
   * @template {keyof Heard} K
   * @param {K} name
   * @param {Heard[K]} value
   */
  #emit(name, value) {
    for (const listener of this.#listeners.get(name) ?? []) listener(value);
  }
}
