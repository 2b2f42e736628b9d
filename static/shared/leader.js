// The page that has the socket: it serves the browser's other pages, sends what is to be sent, and finds what is missing.

import { freshId } from "./ids.js";
import { Link } from "./link.js";

/**
 * @typedef {import("./link.js").Frame} Frame
 * @typedef {import("./link.js").Status} Status
 * @typedef {import("./ledger.js").LiveEvent} LiveEvent
 * @typedef {{
 *   by: string,
 *   doors: import("./doors.js").LiveDoors,
 *   outbox: import("./outbox.js").Outbox,
 *   joined: Set<string>,
 *   watched: string[],
 *   epoch: string,
 *   leads: boolean,
 *   looks(): boolean,
 *   ledger(c: string): import("./ledger.js").Ledger,
 *   drop(c: string): void,
 *   told(frame: Frame): void,
 *   fail(id: string, code: string): void,
 *   tell(message: object): void,
 * }} Home the page itself
 * @typedef {{ c: string, id: string, kind: "got" | "seen", seq: number }} Mark
 * @typedef {{ joined: Set<string>, watched: string[], on: boolean, at: number }} Other
 */

const PATIENCE = 15_000; // milliseconds after which an answer that has not come is asked for again
const MOST = 200; // conversations in a hello
const KEPT = new Set(["presence", "place", "calls"]); // only the latest counts, and a page that comes later needs it
const PASSED_ON = new Set(["presence", "place", "calls", "typing", "card"]);

export class Leader {
  /** @type {Map<string, Other>} */ #others = new Map();
  /** @type {Set<string>} */ #sent = new Set(); // conversations that the server sends us
  /** @type {Map<string, number>} */ #asked = new Map(); // since when a catch-up is on its way
  /** @type {Map<string, number>} */ #behind = new Map(); // where we stood when a beat said that the server is further
  /** @type {Map<string, { id: string, at: number }>} */ #sending = new Map(); // by conversation
  /** @type {Map<string, Mark>} */ #marks = new Map();
  /** @type {Map<string, number>} */ #strikes = new Map(); // how often the server could not read us over an item
  /** @type {Map<string, Frame>} */ #latest = new Map();
  /** @type {Map<string, LiveEvent[]>} */ #echoes = new Map(); // our own words from before the server forgot

  /**
   * @param {Home} home
   * @param {string} url
   * @param {() => Promise<import("./link.js").Pass>} pass
   */
  constructor(home, url, pass) {
    this.home = home;
    this.link = new Link(
      {
        url,
        pass,
        hello: () => this.#hello(),
        engaged: () => this.#anybodyLooks(),
        heard: (frame) => this.#heard(frame),
        changed: (status) => this.#changed(status),
      },
      home.doors,
    );
  }

  start() {
    this.#others.clear();
    this.link.start();
  }

  stop() {
    this.link.stop();
  }

  tick() {
    const now = this.home.doors.now();
    for (const [c, since] of this.#asked) if (now - since > PATIENCE) this.#asked.delete(c);
    for (const [c, { at }] of this.#sending) if (now - at > PATIENCE) this.#sending.delete(c);
    for (const [c, cursor] of this.#behind) if (this.home.ledger(c).cursor === cursor) this.#fetch(c);
    this.#behind.clear();
    this.link.tick();
    this.pump();
  }

  #anybodyLooks() {
    const now = this.home.doors.now();
    return this.home.looks() || [...this.#others.values()].some((one) => one.on && now - one.at < PATIENCE);
  }

  // -- the browser's pages ----------------------------------------------------------------------------------------------

  /** @param {any} message from another page */
  overheard({ m, from, on, frame }) {
    if (m === "check") return this.link.check();
    if (m === "gone") return void this.#others.delete(from);
    let one = this.#others.get(from);
    if (!one) {
      one = { joined: new Set(), watched: [], on: false, at: 0 };
      this.#others.set(from, one);
      this.#tell([{ t: "status", status: this.link.status }, ...this.#latest.values()], from);
    }
    one.at = this.home.doors.now();
    if (m === "on" && one.on !== on) {
      one.on = on;
      this.link.beat();
    }
    if (m === "ask") this.asks(frame, from);
  }

  /**
   * Tell the other pages, or one of them.
   * @param {Frame[]} frames
   * @param {string} [to]
   */
  #tell(frames, to) {
    if (this.#others.size && frames.length) this.home.tell({ m: "tell", to, by: this.home.by, frames });
  }

  /**
   * What a page wants; `from` is null for the leader's own.
   * @param {Frame} frame
   * @param {string | null} from
   */
  asks(frame, from) {
    const { c } = frame;
    const one = from === null ? null : this.#others.get(from);
    if (frame.t === "join" || frame.t === "fetch") {
      one?.joined.add(c);
      if (from !== null) this.#repeat(c, frame.after, from);
      this.#join(c);
    } else if (frame.t === "leave") {
      one?.joined.delete(c);
      if (this.#wanted().has(c)) return;
      this.home.drop(c);
      this.#sent.delete(c);
      this.link.send(frame);
    } else if (frame.t === "watch") {
      if (one) one.watched = frame.what;
      this.link.send(this.#watches());
    } else if (frame.t === "typing") {
      this.link.send(frame);
    } else if (frame.t === "mark") {
      this.#mark(c, frame.kind, frame.seq);
    }
  }

  /**
   * What we have of a conversation, for a page that has less.
   * @param {string} c
   * @param {number} after
   * @param {string} to
   */
  #repeat(c, after, to) {
    const ledger = this.home.ledger(c);
    /** @type {Frame[]} */
    const frames = ledger.events.slice(after).map((event) => ({ ...event, t: "event" }));
    if (ledger.caught) frames.push({ t: "caught", c, seq: ledger.cursor });
    this.#tell(frames, to);
  }

  #wanted() {
    const wanted = new Set(this.home.joined);
    for (const item of this.home.outbox.next()) wanted.add(item.c);
    for (const one of this.#others.values()) for (const c of one.joined) wanted.add(c);
    return wanted;
  }

  /** @returns {Frame} */
  #watches() {
    const watched = [...this.#others.values()].flatMap((one) => one.watched);
    return { t: "watch", what: [...new Set([...this.home.watched, ...watched])] };
  }

  // -- the server ---------------------------------------------------------------------------------------------------------

  /** @returns {Frame} */
  #hello() {
    const wanted = [...this.#wanted()].slice(0, MOST);
    this.#sent = new Set(wanted);
    const have = Object.fromEntries(wanted.map((c) => [c, this.home.ledger(c).cursor]));
    return { t: "hello", epoch: this.home.epoch, have };
  }

  /** @param {Status} status */
  #changed(status) {
    if (status.state !== "open") {
      if (status.code === 4400) for (const { id } of this.#sending.values()) this.#strike(id);
      for (const map of [this.#asked, this.#behind, this.#sending]) map.clear();
      this.#sent.clear();
    }
    if (!this.home.leads) return;
    this.home.told({ t: "status", status });
    this.#tell([{ t: "status", status }]);
  }

  /** @param {string} id of what was on its way when the server could not read us */
  #strike(id) {
    const strikes = (this.#strikes.get(id) ?? 0) + 1;
    this.#strikes.set(id, strikes);
    if (strikes > 1) this.home.fail(id, "unreadable");
  }

  /** @param {Frame} frame */
  #heard(frame) {
    if (frame.t === "welcome") this.#welcomed(frame);
    else if (frame.t === "event") this.#event(/** @type {any} */ (frame));
    else if (frame.t === "ack") this.#acknowledged(frame);
    else if (frame.t === "refused") this.#refused(frame);
    else if (frame.t === "beat") this.#compare(frame.heads);
    else if (frame.t === "caught") this.#caught(frame);
    else if (PASSED_ON.has(frame.t)) {
      if (KEPT.has(frame.t)) this.#latest.set(`${frame.t} ${frame.what ?? frame.c ?? ""}`, frame);
      this.home.told(frame);
      this.#tell([frame]);
    }
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    if (this.home.epoch && this.home.epoch !== frame.epoch) this.#remember();
    this.#latest.clear();
    this.#latest.set("welcome", frame);
    const asked = this.home.doors.now();
    for (const c of this.#sent) this.#asked.set(c, asked);
    this.home.told(frame);
    this.#tell([frame]);
    for (const c of this.#wanted()) this.#join(c);
    const watches = this.#watches();
    if (watches.what.length) this.link.send(watches);
    for (const mark of this.#marks.values()) this.#sendMark(mark);
    this.pump();
  }

  /** The server was restored from a copy: what we said since then is known to us alone. */
  #remember() {
    for (const c of this.#wanted()) {
      const own = this.home.ledger(c).events.filter((one) => one.by === this.home.by && one.kind === "text");
      if (own.length) this.#echoes.set(c, own);
    }
    this.#marks.clear();
  }

  /** @param {string} c */
  #join(c) {
    if (this.#sent.has(c) || !this.link.send({ t: "join", c, after: this.home.ledger(c).cursor })) return;
    this.#sent.add(c);
    this.#asked.set(c, this.home.doors.now());
  }

  /** @param {string} c */
  #fetch(c) {
    if (this.#asked.has(c)) return; // it is on its way
    if (this.link.send({ t: "fetch", c, after: this.home.ledger(c).cursor })) this.#asked.set(c, this.home.doors.now());
  }

  /** @param {Frame} frame */
  #caught(frame) {
    const { c } = frame;
    this.#asked.delete(c);
    this.home.told(frame);
    this.#tell([frame]);
    if (this.home.ledger(c).gap) this.#fetch(c);
    else if (this.#echoes.has(c)) {
      const there = new Set(this.home.ledger(c).events.map((event) => event.id));
      for (const { id, kind, body } of this.#echoes.get(c) ?? []) {
        if (!there.has(id)) this.home.outbox.add({ c, id, kind, body }, this.home.doors.now());
      }
      this.#echoes.delete(c);
      this.pump();
    }
  }

  /**
   * Silent loss shows here: we are behind, nothing is on its way, and nothing comes until the next tick.
   * @param {Record<string, number>} heads
   */
  #compare(heads) {
    for (const [c, head] of Object.entries(heads)) {
      const { cursor } = this.home.ledger(c);
      if (head > cursor && !this.#asked.has(c)) this.#behind.set(c, cursor);
    }
  }

  /** @param {LiveEvent} event */
  #event(event) {
    const { c, id } = event;
    if (this.#sending.get(c)?.id === id) this.#sending.delete(c);
    for (const [key, mark] of this.#marks) if (mark.id === id) this.#marks.delete(key);
    const frame = { ...event, t: "event" };
    this.home.told(frame);
    this.#tell([frame]);
    if (this.home.ledger(c).gap) this.#fetch(c);
    this.pump();
  }

  /** @param {Frame} frame */
  #acknowledged({ c, id, seq, at }) {
    const item = this.home.outbox.items.get(id);
    const mark = [...this.#marks.values()].find((one) => one.id === id);
    const kind = item?.kind ?? mark?.kind;
    if (!kind) return; // what is missing then shows as a gap, and is fetched
    this.#event({ c, seq, at, by: this.home.by, id, kind, body: item ? item.body : { seq: mark?.seq } });
  }

  /** @param {Frame} frame */
  #refused({ c, id, code, again }) {
    if (!id) {
      this.#sent.delete(c);
      this.home.told({ t: "unknown", c });
      this.#tell([{ t: "unknown", c }]);
      return;
    }
    for (const [key, mark] of this.#marks) if (mark.id === id) this.#marks.delete(key);
    if (!this.home.outbox.items.has(id)) return;
    const onward = () => {
      if (this.#sending.get(c)?.id === id) this.#sending.delete(c);
      this.pump();
    };
    if (again) return void this.home.doors.later(onward, again);
    this.home.fail(id, code);
    onward();
  }

  /** Send what is next in each conversation: one at a time, so that a refusal cannot change the order. */
  pump() {
    if (!this.home.leads || this.link.status.state !== "open") return;
    for (const { c, id, kind, body } of this.home.outbox.next()) {
      if (this.#sending.has(c)) continue;
      this.#join(c);
      this.link.send({ t: "send", c, id, kind, body });
      this.#sending.set(c, { id, at: this.home.doors.now() });
    }
  }

  /**
   * Only the furthest mark matters, so there is one of each kind at most.
   * @param {string} c
   * @param {"got" | "seen"} kind
   * @param {number} seq
   */
  #mark(c, kind, seq) {
    const waiting = this.#marks.get(`${kind} ${c}`);
    if ((waiting && waiting.seq >= seq) || !this.home.ledger(c).marksMore(this.home.by, kind, seq)) return;
    const mark = { c, id: freshId(), kind, seq };
    this.#marks.set(`${kind} ${c}`, mark);
    this.#sendMark(mark);
  }

  /** @param {Mark} mark */
  #sendMark({ c, id, kind, seq }) {
    this.link.send({ t: "send", c, id, kind, body: { seq } });
  }
}
